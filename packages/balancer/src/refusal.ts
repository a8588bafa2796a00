import type { IncomingMessage } from 'node:http'
import { ContentTooLargeError, HttpError } from './errors.ts'
import { hasBody } from './failover.ts'
import type { Limits } from './limits.ts'
import { ALLOW } from './local-answer.ts'
import { authorityOf, isServerWide, isTarget } from './request-target.ts'

/** Who reads the rest of the connection otherwise than it was meant shall not get to it. */
const CLOSE = { headers: { Connection: 'close' } }

/** A host and a port (RFC 3986, 3.2.2 and 3.2.3). No URL of http has an empty host (RFC 9110, 4.2.1). */
const HOST = /^((?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})+|\[[\da-f:.]+\])(:\d{0,5})?$/i

/**
 * The error for a request that no worker may see, because proxies and workers would read it differently, or because it
 * is more than `limits` allow.
 */
export function refusal(
  req: IncomingMessage,
  { limits, trace }: { limits: Limits; trace: boolean },
): HttpError | undefined {
  const { headers, httpVersion, method, url } = req
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return new HttpError(505, 'the only HTTP here is 1.1 and 1.0', CLOSE) // whatever else Node's parser takes
  if (hasTwoHosts(req.rawHeaders)) return new HttpError(400, 'a request has one Host header', CLOSE) // RFC 9112, 3.2
  if (!isHost(headers.host) || !isHost(authorityOf(url)))
    return new HttpError(400, 'a Host is a name or an address, and a port', CLOSE)
  if (!isTarget(url) && !(method === 'OPTIONS' && isServerWide(url)))
    return new HttpError(400, 'a request asks for a path or a URL', CLOSE) // RFC 9112, 3.2
  const encoding = headers['transfer-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked')
    return new HttpError(501, 'the only Transfer-Encoding is chunked', CLOSE) // RFC 9112, 6.1
  if (encoding !== undefined && httpVersion === '1.0')
    return new HttpError(400, 'HTTP/1.0 has no Transfer-Encoding', CLOSE) // RFC 9112, 6.1
  if (headers.host === undefined && httpVersion === '1.1')
    return new HttpError(400, 'a request has a Host header', CLOSE) // where the server leaves that to the app
  if (headers.expect !== undefined && !/^100-continue$/i.test(headers.expect))
    return new HttpError(417, 'the only expectation is 100-continue', CLOSE) // RFC 9110, 10.1.1
  if (method === 'TRACE') {
    if (!trace) return new HttpError(405, 'TRACE is not allowed', { headers: { Allow: ALLOW } })
    if (hasBody(req)) return new HttpError(400, 'a TRACE has no body', CLOSE) // RFC 9110, 9.3.8
  }
  const limit = Math.min(limits.body, Number.MAX_SAFE_INTEGER) // a forwarder makes a number of a length
  if (Number(headers['content-length']) > limit) return new ContentTooLargeError(limit)
  if ((req.readableDidRead || req.readableFlowing) && hasBody(req))
    return new HttpError(500, 'the request could not be forwarded', {
      message: `the body of ${req.method} ${req.url} was read, or was being read, before it came to loadBalance; mount loadBalance before express.json() and whatever else reads bodies`,
    })
  return undefined
}

/** The same for an upgrade. */
export function upgradeRefusal(req: IncomingMessage): HttpError | undefined {
  if (hasBody(req)) return new HttpError(400, 'an upgrade has no body') // it would reach the worker as WebSocket data
  if (!isWebSocket(req)) return new HttpError(501, 'the only upgrade is a GET to websocket')
  return refusal(req, { limits: { body: 0 }, trace: false })
}

/** Whether the client offers another protocol, which is not taken up where this is asked. */
export function offersUpgrade({ headers }: IncomingMessage): boolean {
  return Boolean(headers.upgrade) && /\bupgrade\b/i.test(headers.connection ?? '')
}

/**
 * Whether a request asks for a WebSocket: `http.createServer({ shouldUpgradeCallback: isWebSocket }, app)`. Then an offer
 * of any other protocol, which a server may ignore (RFC 9110, 7.8), is served as an ordinary request.
 */
export function isWebSocket(req: IncomingMessage): boolean {
  const { method, headers, httpVersion } = req
  const asksForIt = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
  return asksForIt && httpVersion !== '1.0' && !hasBody(req)
}

function isHost(host: string | undefined): boolean {
  return host === undefined || HOST.test(host)
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1
}
