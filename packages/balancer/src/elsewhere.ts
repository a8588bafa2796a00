import type { BreakerState } from './breaker.ts'
import type { Counts, WorkerCounts } from './counts.ts'
import type { Metrics } from './metrics/metrics.ts'
import { absorb, type Worker } from './worker.ts'
import { keyOf } from './worker-key.ts'

/** What another process has begun and not ended, and whom its breaker pauses. */
interface Process {
  active: number
  readonly underWay: Map<Worker, number>
  readonly breakers: Map<Worker, BreakerState>
}

/** What other processes have counted, added to what this one has. */
export class Elsewhere {
  readonly #processes = new Map<object, Process>()
  readonly #metrics: Metrics
  #workers: readonly Worker[] = []
  #byKey = new Map<string, Worker>()

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  /** Adds what the process `from` has counted of these workers. */
  count({ requests = {}, workers = [] }: Counts, from: object, known: readonly Worker[]): void {
    const process = this.#processOf(from)
    const { total = 0, failed = 0, active = 0, unattempted = 0, retries = 0, retriesDenied = 0 } = requests
    const metrics = this.#metrics
    metrics.total += total
    metrics.failed += failed
    metrics.unattempted += unattempted
    metrics.retries += retries
    metrics.retriesDenied += retriesDenied
    this.#activate(process, active)
    this.#learn(known)
    for (const counts of workers) this.#countWorker(counts, process)
  }

  /** The process is gone, and what it had under way is over. */
  forget(from: object): void {
    const process = this.#processes.get(from)
    if (!process) return
    this.#processes.delete(from)
    let attempts = 0
    for (const [worker, count] of process.underWay) {
      absorb(worker, { outcomes: { 'client-gone': count } })
      attempts += count
    }
    this.#metrics.unattempted += Math.max(0, process.active - attempts) // they waited for somebody who lives
    this.#metrics.failed += process.active
    this.#activate(process, -process.active)
  }

  /** Forgets a worker that has left for good. */
  leave(worker: Worker): void {
    for (const { underWay, breakers } of this.#processes.values()) {
      underWay.delete(worker)
      breakers.delete(worker)
    }
  }

  /** The worst state that a worker has in any of those processes. */
  breakerOf(worker: Worker): BreakerState {
    let worst: BreakerState = 'closed'
    for (const { breakers } of this.#processes.values())
      worst = worseOf(worst, breakers.get(worker) ?? 'closed')
    return worst
  }

  /**
   * What ends and is not known to have begun is dropped: that began with another worker of the same name and URL, before
   * this one came.
   */
  #countWorker(all: WorkerCounts, { underWay, breakers }: Process): void {
    const worker = this.#byKey.get(keyOf(all))
    if (!worker) return
    const ended = sum(all.outcomes)
    const begun = (underWay.get(worker) ?? 0) + (all.attempts ?? 0)
    if (begun === 0 && ended > 0) return
    const counts = ended > begun ? upTo(begun, all) : all
    const left = begun - sum(counts.outcomes)
    if (left > 0) underWay.set(worker, left)
    else underWay.delete(worker)
    if (counts.breaker === 'closed') breakers.delete(worker)
    else if (counts.breaker) breakers.set(worker, counts.breaker)
    for (const duration of counts.durations ?? []) this.#metrics.observe(worker, duration / 1000)
    absorb(worker, counts)
  }

  /** What is not known to be active cannot end. */
  #activate(process: Process, change: number): void {
    const possible = Math.max(change, -process.active)
    process.active += possible
    this.#metrics.active += possible
  }

  #processOf(from: object): Process {
    let process = this.#processes.get(from)
    if (!process) {
      process = { active: 0, underWay: new Map(), breakers: new Map() }
      this.#processes.set(from, process)
    }
    return process
  }

  #learn(workers: readonly Worker[]): void {
    if (this.#workers === workers) return
    this.#workers = workers
    this.#byKey = new Map(workers.map((worker) => [keyOf(worker), worker]))
  }
}

/** The worse of two states of a breaker: `open`, then `half-open`. */
export function worseOf(one: BreakerState, other: BreakerState): BreakerState {
  if (one === 'open' || other === 'open') return 'open'
  return one === 'closed' ? other : one
}

/** The same, of which no more has ended than `most`. */
function upTo(most: number, counts: WorkerCounts): WorkerCounts {
  const { outcomes = {}, durations = [] } = counts
  let room = most
  const kept = Object.entries(outcomes).map(([outcome, count]) => {
    const part = Math.min(count, room)
    room -= part
    return [outcome, part] as const
  })
  return { ...counts, outcomes: Object.fromEntries(kept), failures: {}, durations: durations.slice(0, most) }
}

function sum(counts: WorkerCounts['outcomes'] = {}): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
