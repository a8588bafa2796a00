import type { BreakerState } from './breaker.ts'
import type { Requests } from './counts.ts'
import { worseOf, type Elsewhere } from './elsewhere.ts'
import type { LastProbe, Poller } from './health/poller.ts'
import type { Members } from './members.ts'
import { originOf } from './origin.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Quantiles } from './recent.ts'
import type { FailureKind, StatusClass } from './worker.ts'

/** What a pool knows of a worker at this moment. */
export interface WorkerStats {
  readonly id: string
  readonly url: string
  /** Its full weight, and what counts of it now: less while it starts slowly. */
  readonly weight: number
  readonly weightNow: number
  readonly alive: boolean
  readonly draining: boolean
  /** Whether it is on its way out of the pool. */
  readonly leaving: boolean
  /** The worst that it has in any process. */
  readonly breaker: BreakerState
  /** Attempts not yet over. */
  readonly inFlight: number
  /** Attempts ever begun, and how many of them were not the first of their request. */
  readonly attempts: number
  readonly retries: number
  /** Attempts ever over, by what became of them; those that failed, by how. */
  readonly outcomes: Readonly<Record<StatusClass, number>>
  readonly failures: Readonly<Record<FailureKind, number>>
  /** Bytes of TCP connections, from the worker and to it. */
  readonly received: number
  readonly sent: number
  /** Peak EWMA of what an answer takes, in ms. */
  readonly latency: number
  /** What its last answers took, as the histogram of the metrics counts them; undefined before the first. */
  readonly quantiles: Quantiles | undefined
  readonly lastProbe: LastProbe | undefined
}

/** What a pool knows at this moment. A copy: it stays as it is. */
export interface PoolStats {
  readonly requests: Readonly<Requests>
  /** How many workers could be picked. */
  readonly eligible: number
  /** What the last answers of all workers took. */
  readonly quantiles: Quantiles | undefined
  readonly workers: readonly WorkerStats[]
}

/** What all of them know together. */
export function statsOf(
  metrics: Metrics,
  { all, picker, drains }: Members,
  elsewhere: Elsewhere,
  poller: Poller,
): PoolStats {
  const { total, failed, active, unattempted, retries, retriesDenied } = metrics
  return {
    requests: { total, failed, active, unattempted, retries, retriesDenied },
    eligible: picker.eligible.length,
    quantiles: metrics.quantiles(),
    workers: all.map((worker) => ({
      id: worker.id,
      url: originOf(worker.url),
      weight: worker.fullWeight,
      weightNow: worker.weight,
      alive: worker.alive,
      draining: worker.draining,
      leaving: drains.isLeaving(worker),
      breaker: worseOf(picker.stateOf(worker), elsewhere.breakerOf(worker)),
      inFlight: worker.inFlight,
      attempts: worker.requests,
      retries: worker.retries,
      outcomes: { ...worker.outcomes },
      failures: { ...worker.failures },
      received: worker.received,
      sent: worker.sent,
      latency: worker.latency,
      quantiles: metrics.quantiles(worker),
      lastProbe: poller.last(worker),
    })),
  }
}
