import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Limits } from '../limits.ts'
import type { KeepAlive, Timeouts } from '../timeouts.ts'
import type { Tls } from '../tls.ts'
import type { Worker } from '../worker.ts'
import type { HeaderOptions } from './request-headers.ts'

/** How an exchange ended that no worker is to blame for: the status of the full answer, or the client left. */
export type Carried = number | 'client-gone'

/** How an attempt tells its end; the first call counts. */
export interface Settle {
  resolve(carried: Carried): void
  reject(error: unknown): void
}

/** What an attempt is held to. */
export interface Terms {
  readonly timeouts: Timeouts
  readonly keepAlive: KeepAlive
  /** For workers that are spoken to by TLS. */
  readonly tls: Tls
  readonly limits: Limits
  /** What the worker is told of the balancer and the client. */
  readonly headers: HeaderOptions
  /** What tells the request apart in logs, for `X-Request-Id`. */
  readonly id: string
  /** When the response must have begun, by `performance.now()`; a body that is still coming stops that clock. */
  readonly until: number
  /** Whether it must go over a connection of its own, which was never used before. */
  readonly fresh: boolean
  /** Statuses with which an answer is not passed on: it is a failure that has this status. */
  readonly unwanted: ReadonlySet<number>
  /** A `Set-Cookie` of the balancer's own, beside those of the worker. */
  readonly cookie?: string | undefined
}

/**
 * Carries exchanges to workers. A worker that fails rejects with `WorkerFailure`; before its phase is `response`
 * nothing was sent to the client, and before it is `request` nothing of the body was read, so that another
 * worker can be tried. Other rejections are faults that no other worker would mend.
 */
export interface Forwarder {
  /** Whether a request is the forwarder's at all; when it isn't, it goes to the next middleware. Default: all are. */
  accepts?(req: IncomingMessage): boolean
  /** Resolves when the response has been handed over whole, or the client has left. */
  forward(req: IncomingMessage, res: ServerResponse, worker: Worker, terms: Terms): Promise<Carried>
  /** Carries a WebSocket; resolves when its connection has closed, with 101, or with the status it was refused. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, worker: Worker, terms: Terms): Promise<Carried>
  /** Called for a worker that went down or left the pool: its idle connections are closed, those in use end with what they carry. */
  forget?(worker: Worker): void
  /** Closes the connections to workers, those in use too. */
  close(): void
}
