import type { Drained } from './drain.ts'
import type { Worker } from './worker.ts'

/** What an update of a pool changed, by the ids of the workers. */
export interface Updated {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly kept: readonly string[]
  /** Resolves when those that were removed carry nothing more. */
  readonly drained: Promise<readonly Drained[]>
}

/** What a pool tells its listeners. */
export interface PoolEvents {
  /** A worker was found well, for the first time or again; with the poller's reason. */
  up: [worker: Worker, reason: string]
  /** A worker was found ill; with the poller's reason. */
  down: [worker: Worker, reason: string]
  added: [worker: Worker]
  /** A worker gets no new requests. */
  draining: [worker: Worker]
  /** A worker that was draining carries nothing more. */
  drained: [worker: Worker, report: Drained]
  removed: [worker: Worker]
  /** A worker is paused by the breaker. */
  'breaker-open': [worker: Worker]
  /** A worker was tried again, and is well. */
  'breaker-close': [worker: Worker]
  /** A request goes on to a worker after an attempt that failed; with that one's error. */
  retry: [worker: Worker, error: unknown]
}
