import type { IncomingMessage, ServerResponse } from 'node:http'
import { hasBody } from './failover.ts'
import { hopsLeft, isCounted } from './max-forwards.ts'
import { isServerWide } from './request-target.ts'

/** What goes to workers, as `Allow` has it. */
export const ALLOW = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** What no reflection shows (RFC 9110, 9.3.8). */
const SECRET = new Set(['authorization', 'cookie', 'proxy-authorization'])

/**
 * Answers what is meant for the balancer itself, and returns whether it did: `OPTIONS *`, and what has come as far as its
 * `Max-Forwards` allows.
 */
export function answerLocally(req: IncomingMessage, res: ServerResponse, trace: boolean): boolean {
  if (!isCounted(req.method)) return false
  const isLast = hopsLeft(req) === -1
  if (req.method === 'TRACE') {
    if (isLast) reflect(req, res)
    return isLast
  }
  if (!isLast && !isServerWide(req.url)) return false
  if (hasBody(req)) req.resume()
  res.writeHead(204, { Allow: trace ? `${ALLOW}, TRACE` : ALLOW }).end()
  return true
}

/** A TRACE's own head, as it came here. */
function reflect({ method, url, httpVersion, rawHeaders }: IncomingMessage, res: ServerResponse): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (!SECRET.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[i + 1]}`)
  }
  const body = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  res.writeHead(200, { 'Content-Type': 'message/http', 'Content-Length': body.length }).end(body)
}
