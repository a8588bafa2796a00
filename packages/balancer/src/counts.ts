import type { BreakerState } from './breaker.ts'
import type { AttemptCounts } from './worker.ts'

/** What a pool has counted since it was asked last: plain data, fit for JSON. Zeroes are left out. */
export interface Counts {
  readonly requests?: Readonly<Partial<Requests>>
  readonly workers?: readonly WorkerCounts[]
}

/** As `pool.metrics` has them. `active` is by how much it has changed, so it may be negative. */
export interface Requests {
  readonly total: number
  readonly failed: number
  readonly active: number
  readonly unattempted: number
  readonly retries: number
  readonly retriesDenied: number
}

/** What was counted of one worker. */
export interface WorkerCounts extends AttemptCounts {
  readonly id: string
  /** `worker.url.href`. */
  readonly url: string
  /** If it is another than the last time. */
  readonly breaker?: BreakerState
}

/** By how much counts have changed, without those that have not; undefined if none has. */
export function changes<K extends string>(
  now: Readonly<Record<K, number>>,
  before: Readonly<Record<K, number>>,
): Partial<Record<K, number>> | undefined {
  const changed: Partial<Record<K, number>> = {}
  let hasChanged = false
  for (const key in before) {
    if (now[key] === before[key]) continue
    changed[key] = now[key] - before[key]
    hasChanged = true
  }
  return hasChanged ? changed : undefined
}
