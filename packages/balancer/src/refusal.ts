import type { IncomingMessage } from 'node:http'
import { HttpError } from './errors.ts'
import { hasBody } from './failover.ts'

/** The error for a request that no worker may see, because proxies and workers would read it differently. */
export function refusal(req: IncomingMessage): HttpError | undefined {
  if (hasTwoHosts(req.rawHeaders)) return new HttpError(400, 'a request has one Host header') // RFC 9112, 3.2
  const encoding = req.headers['transfer-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked')
    return new HttpError(501, 'the only Transfer-Encoding is chunked') // RFC 9112, 6.1
  if ((req.readableDidRead || req.readableFlowing) && hasBody(req))
    return new HttpError(500, 'the request could not be forwarded', {
      message: `the body of ${req.method} ${req.url} was read, or was being read, before it came to loadBalance; mount loadBalance before express.json() and whatever else reads bodies`,
    })
  return undefined
}

/** The same for an upgrade. */
export function upgradeRefusal(req: IncomingMessage): HttpError | undefined {
  if (req.method !== 'GET' || req.headers.upgrade?.toLowerCase() !== 'websocket')
    return new HttpError(501, 'the only upgrade is a GET to websocket')
  if (hasBody(req)) return new HttpError(400, 'an upgrade has no body') // it would reach the worker as WebSocket data
  return refusal(req)
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1
}
