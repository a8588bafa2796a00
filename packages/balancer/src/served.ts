import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Carried } from './forwarders/forwarder.ts'
import type { Worker } from './worker.ts'

/** How a request was served, as far as it has come. Written by `load-balance.ts`. */
export interface Served {
  /** What tells the request apart in logs: its `X-Request-Id`, or the one that workers get in its place. */
  readonly id: string
  /** The worker of the last attempt; undefined if there was none. */
  worker: Worker | undefined
  attempts: number
  /** The worker's status once its answer is over, or `client-gone`. */
  status: Carried | undefined
}

const SERVED = Symbol('rondo.served')

/** For logs: which worker served a request, and in how many attempts. Undefined if `loadBalance` never had it. */
export function served(req: IncomingMessage): Readonly<Served> | undefined {
  return (req as { [SERVED]?: Served })[SERVED]
}

/** Opens the record of a request. */
export function record(req: IncomingMessage): Served {
  const id = req.headers['x-request-id']?.toString() || served(req)?.id || randomUUID()
  return ((req as { [SERVED]?: Served })[SERVED] = { id, worker: undefined, attempts: 0, status: undefined })
}
