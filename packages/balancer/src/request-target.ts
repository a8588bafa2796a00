const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)([^#]*)/i

/** The path and query to ask a worker for, byte for byte; an absolute-form URL loses its origin (RFC 9112, 3.2.2). */
export function requestPath(url: string | undefined): string {
  if (url === undefined || url === '') return '/'
  if (url.startsWith('/')) return url
  const path = ABSOLUTE_FORM.exec(url)?.[2]
  if (path === undefined) return url
  return path.startsWith('/') ? path : `/${path}`
}

/** The host and port of an absolute-form URL, which count more than `Host`; undefined for any other. */
export function authorityOf(url: string | undefined): string | undefined {
  if (url === undefined || url.startsWith('/')) return undefined
  const authority = ABSOLUTE_FORM.exec(url)?.[1]
  return authority?.slice(authority.lastIndexOf('@') + 1)
}

/** Whether it asks for something that a worker may have: a path, or a URL. */
export function isTarget(url: string | undefined): boolean {
  return url === undefined || url === '' || url.startsWith('/') || ABSOLUTE_FORM.test(url)
}

/** Whether it is about the server as a whole: `*`, or a URL without a path (RFC 9112, 3.2.4). */
export function isServerWide(url: string | undefined): boolean {
  return url === '*' || (url !== undefined && ABSOLUTE_FORM.exec(url)?.[2] === '')
}
