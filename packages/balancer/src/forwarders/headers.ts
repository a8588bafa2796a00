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
/** What a `Connection` header may not strip: without these a message would mean something else. */
const KEPT = new Set(['content-length', 'host', 'transfer-encoding'])

/** Removes the hop-by-hop headers and those that `Connection` names. Framing stays: it is re-made from them. */
export function stripHopByHop(headers: IncomingHttpHeaders): void {
  const { connection } = headers
  if (connection && connection !== 'keep-alive' && connection !== 'close')
    for (const token of connection.split(',')) {
      const name = token.trim().toLowerCase()
      if (!KEPT.has(name)) delete headers[name]
    }
  for (const name of HOP_BY_HOP) if (headers[name] !== undefined) delete headers[name]
}

/**
 * The headers that a worker gets: the client's end-to-end headers, with `Via` (RFC 9110, 7.6.3) and
 * `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`. What the client says of itself in those is believed and
 * appended to if Express's `trust proxy` trusts the peer, and replaced if not.
 */
export function requestHeaders(req: IncomingMessage): IncomingHttpHeaders {
  const headers = { ...req.headers }
  stripHopByHop(headers)
  delete headers.expect // answered by Node's server: it has sent 100 Continue
  const authority = absoluteForm(req.url)?.authority
  if (authority) headers.host = authority // RFC 9112, 3.2.2
  headers.via = `${headers.via ? `${headers.via}, ` : ''}${req.httpVersion} rondo`

  const trusted = peerIsTrusted(req)
  if (!trusted) delete headers['forwarded']
  const set = (name: string, value: string | undefined): void => {
    if (trusted && headers[name]) return
    if (value === undefined) delete headers[name]
    else headers[name] = value
  }
  const { socket } = req
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'unknown'
  const before = trusted ? headers['x-forwarded-for'] : undefined
  headers['x-forwarded-for'] = before ? `${String(before)}, ${address}` : address
  set('x-forwarded-proto', 'encrypted' in socket && socket.encrypted ? 'https' : 'http')
  set('x-forwarded-host', headers.host)
  set('x-forwarded-port', socket.localPort === undefined ? undefined : String(socket.localPort))
  return headers
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
  const status = response.statusCode ?? 0
  if (status < 200 || status > 999) return `answered with the status ${status}`
  const { headers } = response
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return `answered in the transfer coding ${coding}` // only chunks can be framed anew (RFC 9112, 6.1)
  stripHopByHop(headers)
  if (status === 204) delete headers['content-length'] // RFC 9110, 8.6
  if (/[^\t\x20-\x7e\x80-\xff]/.test(response.statusMessage ?? '')) response.statusMessage = ''
  return undefined
}
