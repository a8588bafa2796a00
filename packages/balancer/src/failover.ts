import type { IncomingMessage } from 'node:http'
import { WorkerFailure } from './errors.ts'

/**
 * Whether a request whose attempt failed may go to another worker:
 * - nothing was written to the first (no connection stood): any method, the body is untouched
 * - a connection stood but no byte of a response came: GET and HEAD without a body, which change nothing when
 *   they are done twice (RFC 9110, 9.2.2)
 * - a response had begun, or the fault is not a worker's: never
 */
export function mayFailOver(failure: unknown, req: IncomingMessage): boolean {
  if (!(failure instanceof WorkerFailure)) return false
  if (failure.phase === 'connect') return true
  return failure.phase === 'request' && (req.method === 'GET' || req.method === 'HEAD') && !hasBody(req)
}

/** Whether a request announces a body (RFC 9112, 6.3). */
export function hasBody(req: IncomingMessage): boolean {
  const { headers } = req
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
