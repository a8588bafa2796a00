import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { peerIsTrusted } from '../client.ts'

/** Meant for one connection, not for the next (RFC 9110, 7.6.1), and `Proxy`, which CGI workers would obey. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]
const IS_HOP_BY_HOP = new Set(HOP_BY_HOP)
/** What a `Connection` header may not strip: without these a message would mean something else. */
const KEPT = new Set(['content-length', 'host', 'transfer-encoding'])

/** Said anew by the proxy; `Expect` was answered by Node's server, which has sent 100 Continue. */
const REPLACED = [
  'expect',
  'forwarded',
  'host',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
]
const NOT_COPIED = new Set([...HOP_BY_HOP, ...REPLACED])
const DROPPED = new Set([...NOT_COPIED, 'content-length', 'transfer-encoding'])
const NOT_ANSWERED = new Set([...HOP_BY_HOP, 'transfer-encoding'])

/**
 * The headers without the hop-by-hop ones and those that `Connection` names. Framing stays: it is re-made from them.
 * A copy, since an object that properties were deleted from is slow ever after.
 */
export function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = connectionTokens(headers.connection)
  const kept: IncomingHttpHeaders = {}
  for (const name in headers) if (!IS_HOP_BY_HOP.has(name) && !named?.has(name)) kept[name] = headers[name]
  return kept
}

/** The headers that `Connection` names, a list where it was repeated; undefined for what nearly all say. */
function connectionTokens(connection: string | string[] | undefined): Set<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  const tokens = String(connection)
    .split(',')
    .map((token) => token.trim().toLowerCase())
  return new Set(tokens.filter((name) => !KEPT.has(name)))
}

/**
 * The headers that a worker gets, as an object: the client's end-to-end headers, and the proxy's own.
 */
export function requestHeaders(req: IncomingMessage): IncomingHttpHeaders {
  const named = connectionTokens(req.headers.connection)
  const headers: IncomingHttpHeaders = {}
  for (const name in req.headers)
    if (!NOT_COPIED.has(name) && !named?.has(name)) headers[name] = req.headers[name]
  const own = ownHeaders(req)
  for (let i = 0; i < own.length; i += 2) headers[own[i] as string] = own[i + 1]
  return headers
}

/** The same as names and values in turn, repeated headers apart and in the client's case, without framing. */
export function rawRequestHeaders(req: IncomingMessage): string[] {
  const { rawHeaders } = req
  const named = connectionTokens(req.headers.connection)
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const lower = name.toLowerCase()
    if (DROPPED.has(lower) || named?.has(lower)) continue
    headers.push(name, rawHeaders[i + 1] as string)
  }
  headers.push(...ownHeaders(req))
  return headers
}

/**
 * What the proxy says itself, names and values in turn: `Host`, `Via` (RFC 9110, 7.6.3), and `X-Forwarded-For`,
 * `-Proto`, `-Host` and `-Port`. What the client says in those is believed and appended to if the peer is a trusted
 * proxy, and replaced if not.
 */
function ownHeaders(req: IncomingMessage): string[] {
  const { headers, socket } = req
  const trusted = peerIsTrusted(req)
  const theirs = (name: string): string | undefined => (trusted ? headers[name]?.toString() : undefined)
  const host = absoluteForm(req.url)?.authority || headers.host // RFC 9112, 3.2.2
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'unknown'
  const chain = theirs('x-forwarded-for')
  const own = [
    'via',
    `${headers.via ? `${headers.via}, ` : ''}${req.httpVersion} rondo`,
    'x-forwarded-for',
    chain ? `${chain}, ${address}` : address,
    'x-forwarded-proto',
    theirs('x-forwarded-proto') ?? ('encrypted' in socket && socket.encrypted ? 'https' : 'http'),
    'x-forwarded-port',
    theirs('x-forwarded-port') ?? String(socket.localPort ?? ''),
  ]
  const forwardedHost = theirs('x-forwarded-host') ?? host
  if (host !== undefined) own.push('host', host)
  if (forwardedHost !== undefined) own.push('x-forwarded-host', forwardedHost)
  const forwarded = theirs('forwarded')
  if (forwarded !== undefined) own.push('forwarded', forwarded)
  return own
}

/** The path and query to ask a worker for, byte for byte; an absolute-form URL loses its origin (RFC 9112, 3.2.2). */
export function requestPath(url: string | undefined): string {
  return absoluteForm(url)?.path ?? (url || '/')
}

function absoluteForm(url: string | undefined): { authority: string; path: string } | undefined {
  if (url === undefined || url.startsWith('/')) return undefined
  const [, authority, path] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([^#]*)/i.exec(url) ?? []
  if (authority === undefined || path === undefined) return undefined
  return {
    authority: authority.slice(authority.lastIndexOf('@') + 1),
    path: path.startsWith('/') ? path : `/${path}`,
  }
}

/**
 * Makes a worker's response fit to be passed on: hop-by-hop headers go, and so does a reason phrase that could
 * not be written to the client. Returns what is wrong with a response that cannot be mended.
 */
export function cleanResponse(response: IncomingMessage): string | undefined {
  const { headers, statusCode: status = 0 } = response
  const fault = responseFault(status, headers)
  if (fault) return fault
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
    const name = (raw[i] as Buffer).toString('latin1')
    const lower = name.toLowerCase()
    if (NOT_ANSWERED.has(lower) || named?.has(lower)) continue
    if (status === 204 && lower === 'content-length') continue // RFC 9110, 8.6
    headers.push(name, (raw[i + 1] as Buffer).toString('latin1'))
  }
  return headers
}
