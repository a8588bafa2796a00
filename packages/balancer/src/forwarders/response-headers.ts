import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { connectionTokens, endToEnd, HOP_BY_HOP } from './hop-by-hop.ts'

/** What of a response is about its connection or its framing. */
export const NOT_ANSWERED: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'transfer-encoding'])

/** Fields that mean something only ahead of a body, and must not come behind it (RFC 9110, 6.5.1). */
const NOT_TRAILED = new Set([
  ...NOT_ANSWERED,
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'host',
  'location',
  'set-cookie',
  'vary',
  'www-authenticate',
])

/**
 * Makes a worker's response fit to be passed on: hop-by-hop headers go, and so does a reason phrase that could
 * not be written to the client. Returns what is wrong with a response that cannot be mended.
 */
export function cleanResponse(response: IncomingMessage): string | undefined {
  const { headers, statusCode: status = 0 } = response
  const fault = responseFault(status, headers)
  if (fault) return fault
  if (response.httpVersion === '1.0' && headers['transfer-encoding'] !== undefined)
    return 'answered in chunks, as HTTP/1.0 cannot' // RFC 9112, 6.1
  response.headers = endToEnd(headers)
  if (status === 204) delete response.headers['content-length'] // RFC 9110, 8.6
  response.statusMessage = reason(response.statusMessage)
  return undefined
}

/** Adds the balancer's own cookie to those of a worker. */
export function addCookie(headers: IncomingHttpHeaders, cookie: string | undefined): void {
  if (cookie !== undefined) headers['set-cookie'] = [...(headers['set-cookie'] ?? []), cookie]
}

/** What is wrong with the head of a response that cannot be mended. */
export function responseFault(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | undefined {
  if (status < 200 || status > 999) return `answered with the status ${status}`
  const coding = headers['transfer-encoding']
  if (coding === undefined || String(coding).toLowerCase() === 'chunked') return undefined
  return `answered in the transfer coding ${String(coding)}` // only chunks can be framed anew (RFC 9112, 6.1)
}

/** A reason phrase, if it can be written to the client. */
export function reason(phrase = ''): string {
  return /[^\t\x20-\x7e\x80-\xff]/.test(phrase) ? '' : phrase
}

/**
 * The end-to-end headers of a response, names and values in turn, as they came. Its framing stays: a length is
 * passed on, chunks are made anew.
 */
export function rawResponseHeaders(
  raw: readonly Buffer[],
  status: number,
  parsed: IncomingHttpHeaders,
): string[] {
  const named = connectionTokens(parsed.connection)
  const headers: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i])
    const lower = name.toLowerCase()
    if (NOT_ANSWERED.has(lower) || named?.has(lower)) continue
    if ((status === 204 || status === 101) && lower === 'content-length') continue // RFC 9110, 8.6
    headers.push(name, latin1(raw[i + 1]))
  }
  return headers
}

/** A head, or what trails a body, as it came: names and values in turn. */
export type Raw = readonly (string | Buffer)[]

/** What may come behind a body, in pairs, of the trailers of a response with this head. */
export function trailers(raw: Raw, head: Raw): [name: string, value: string][] {
  const named = namedByConnection(head)
  const pairs: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i])
    const lower = name.toLowerCase()
    if (!NOT_TRAILED.has(lower) && !named?.has(lower)) pairs.push([name, latin1(raw[i + 1])])
  }
  return pairs
}

/** The headers that `Connection` names in a head. */
export function namedByConnection(head: Raw): ReadonlySet<string> | undefined {
  const connection = head.flatMap((part, i) =>
    i % 2 === 0 && latin1(part).toLowerCase() === 'connection' ? [latin1(head[i + 1])] : [],
  )
  return connection.length === 0 ? undefined : connectionTokens(connection)
}

/** A part of a head, as the text that goes out as the same bytes. */
export function latin1(part: string | Buffer = ''): string {
  return typeof part === 'string' ? part : part.toString('latin1')
}
