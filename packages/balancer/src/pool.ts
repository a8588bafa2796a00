import { EventEmitter } from 'node:events'
import type { Client } from './client.ts'
import { Drains, toDrain, type Drained, type DrainOptions } from './drain.ts'
import { createPoller, type Poller } from './health/poller.ts'
import { Metrics } from './metrics/metrics.ts'
import type { PoolEvents, Updated } from './pool-events.ts'
import { Picker } from './picker.ts'
import { toSettings, type PoolOptions, type Settings } from './pool-options.ts'
import { RetryAccount } from './retry-budget.ts'
import { statsOf, type PoolStats } from './stats.ts'
import { tell } from './tell.ts'
import { checkNames, compare, displaced, find, toWorkers } from './worker-list.ts'
import { setWeight, Worker, type Carrier, type Lease, type Released, type WorkerSpec } from './worker.ts'

const NONE: ReadonlySet<Worker> = new Set()

/**
 * A pool of workers that serve the same thing, polled from now on. An app needs no more than this and
 * `loadBalance`: requests that come before the first probes are in wait for them.
 * @throws OptionError for an empty list, a bad or duplicate worker, or a bad option.
 */
export function createPool(workers: readonly WorkerSpec[], options: PoolOptions = {}): Pool {
  return new Pool(workers, options)
}

/** The workers, and who of them may be picked. */
export class Pool extends EventEmitter<PoolEvents> {
  /** What is counted of the requests. */
  readonly metrics: Metrics = new Metrics(() => this.#workers)
  /** Resolves when every worker that the pool was made with has its first verdict. */
  readonly ready: Promise<void>
  /** Its options, checked and whole. */
  readonly settings: Settings
  /** What is left for retries. Kept by `load-balance.ts`. */
  readonly retries: RetryAccount

  #workers: readonly Worker[] = []
  #seq = 0
  #isReady = false
  #closing: Promise<Drained[]> | undefined
  readonly #poller: Poller
  readonly #drains = new Drains()
  readonly #picker: Picker

  constructor(specs: readonly WorkerSpec[], options: PoolOptions = {}) {
    super()
    this.settings = toSettings(options)
    this.retries = new RetryAccount(this.settings.failover.budget)
    const workers = toWorkers(specs, this.#nextSeq)
    this.#picker = new Picker(this.settings, this.#drains, (worker, state) => {
      this.#refresh()
      if (state === 'open') tell(() => this.emit('breaker-open', worker))
      if (state === 'closed') tell(() => this.emit('breaker-close', worker))
    })
    this.#poller = createPoller(options.health ?? {}, (worker, alive, reason) => {
      if (alive && this.#isReady) this.#picker.slowStart(worker) // before, all are new: nobody could take what one is spared
      this.#refresh()
      this.emit(alive ? 'up' : 'down', worker, reason)
    })
    this.#workers = Object.freeze(workers)
    for (const worker of workers) this.metrics.join(worker)
    this.ready = this.#poller.watch(workers).then(() => {
      this.#isReady = true
    })
  }

  /** All workers, dead and draining ones too, in the order in which they came. */
  get workers(): readonly Worker[] {
    return this.#workers
  }

  /** Whether `ready` has resolved. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Whether somebody is eligible who is not among those `tried`. */
  hasEligible(tried: ReadonlySet<Worker>): boolean {
    return this.#picker.eligible.some((worker) => !tried.has(worker))
  }

  /**
   * Begins an attempt on an eligible worker that is not among those `tried`; undefined if there is none. `carrier`
   * is what the end of a drain destroys.
   */
  acquire(client: Client, tried: ReadonlySet<Worker> = NONE, carrier?: Carrier): Lease | undefined {
    const worker = this.#picker.pick(client, tried)
    if (!worker) return undefined
    const lease = worker.lease(carrier, this.#released, tried !== NONE)
    if (this.#picker.breaker?.began(worker)) this.#refresh()
    return lease
  }

  /** What the pool knows at this moment. */
  stats(): PoolStats {
    return statsOf(this.metrics, this.#workers, this.#picker, this.#poller)
  }

  /**
   * Adds a worker, eligible from its first good probe, which goes out at once.
   * @throws OptionError for a bad or duplicate worker; nothing is changed then.
   */
  add(spec: WorkerSpec): Worker {
    const worker = new Worker(spec, this.#nextSeq(), 'worker')
    checkNames([...this.#workers, worker])
    this.#join([worker])
    return worker
  }

  /**
   * Gives a worker no new requests, and resolves when what it carries is over: at the latest after the timeout,
   * when the rest is cut. It stays in the pool, is polled, and comes back by `undrain`, which ends a drain early.
   * Rejects with an OptionError for an unknown id or a bad timeout; nothing is changed then.
   */
  async drain(id: string, options: DrainOptions = {}): Promise<Drained> {
    const worker = find(this.#workers, id)
    return this.#drainWorker(worker, this.#drainOptions(options))
  }

  /**
   * Gives a worker new requests again, also one that is on its way out of the pool: it stays then.
   * @throws OptionError for an unknown id.
   */
  undrain(id: string): void {
    const worker = find(this.#workers, id)
    this.#drains.end(worker)
    this.#refresh()
  }

  /** Drains a worker as `drain` does; it leaves the pool when it carries nothing more. */
  async remove(id: string, options: DrainOptions = {}): Promise<Drained> {
    const worker = find(this.#workers, id)
    return this.#removeWorker(worker, this.#drainOptions(options))
  }

  /**
   * Makes the pool one of these workers, by their ids: who is new is added, who is missing is removed, who stays
   * keeps its counters, connections and health, and gets its new weight. A worker whose URL is another than
   * before is another worker.
   * @throws OptionError for a bad or duplicate worker, or none; nothing is changed then.
   */
  update(specs: readonly WorkerSpec[], options: DrainOptions = {}): Updated {
    const drain = this.#drainOptions(options)
    const { kept, added, removed } = compare(this.#workers, toWorkers(specs, this.#nextSeq))
    for (const [worker, wanted] of kept) {
      setWeight(worker, wanted.weight)
      this.#drains.stay(worker)
    }
    this.#refresh()
    const drained = removed.map((worker) => this.#removeWorker(worker, drain))
    for (const worker of displaced(removed, [...kept.map(([worker]) => worker), ...added]))
      this.#leave(worker)
    this.#join(added)
    return {
      added: ids(added),
      removed: ids(removed),
      kept: ids(kept.map(([worker]) => worker)),
      drained: Promise.all(drained),
    }
  }

  /** Probes all workers now, beside the schedule; resolves when every probe has counted. */
  poll(): Promise<void> {
    return this.#poller.poll()
  }

  /** Time to the next poll, in whole seconds: when it makes sense to ask again. */
  get retryAfter(): number {
    return Math.max(1, Math.ceil(this.#poller.untilNext() / 1000))
  }

  /**
   * Stops polling, and picks nobody from now on. Resolves with a report of each worker when what they carry is over:
   * at the latest after the timeout, when the rest is cut.
   */
  close(options: DrainOptions = {}): Promise<readonly Drained[]> {
    const { timeout } = this.#drainOptions(options)
    if (!this.#closing) {
      this.#poller.close()
      this.#picker.breaker?.close()
      this.#closing = Promise.all(
        this.#workers.map((worker) => this.#drains.wait(worker, { timeout, sessions: 'leave' })),
      )
      this.#refresh()
    }
    return this.#closing
  }

  #drainOptions(options: DrainOptions): Required<DrainOptions> {
    const drain = toDrain('', { ...this.settings.drain, ...options })
    return this.settings.sticky ? drain : { ...drain, sessions: 'leave' } // there are none
  }

  #join(workers: readonly Worker[]): void {
    this.#workers = Object.freeze([...this.#workers, ...workers])
    for (const worker of workers) this.metrics.join(worker)
    if (!this.#closing && workers.length > 0) void this.#poller.watch(workers)
    for (const worker of workers) tell(() => this.emit('added', worker))
  }

  #leave(worker: Worker): void {
    if (!this.#workers.includes(worker)) return
    this.#workers = Object.freeze(this.#workers.filter((candidate) => candidate !== worker))
    this.#poller.unwatch(worker)
    this.#picker.breaker?.forget(worker)
    this.#refresh()
    this.metrics.leave(worker)
    tell(() => this.emit('removed', worker))
  }

  async #drainWorker(worker: Worker, drain: Required<DrainOptions>): Promise<Drained> {
    if (this.#drains.begin(worker, drain.sessions)) {
      this.#refresh()
      tell(() => this.emit('draining', worker))
    }
    const report = await this.#drains.wait(worker, drain)
    if (!report.calledOff) tell(() => this.emit('drained', worker, report))
    return report
  }

  async #removeWorker(worker: Worker, drain: Required<DrainOptions>): Promise<Drained> {
    this.#drains.leave(worker)
    const hasSessions = drain.sessions === 'stay' && !(worker.draining && !this.#drains.keepsSessions(worker))
    const isIdle = worker.inFlight === 0 && !hasSessions // it can go at once
    const report = isIdle
      ? { id: worker.id, cut: 0, calledOff: false }
      : await this.#drainWorker(worker, drain)
    if (!report.calledOff) this.#leave(worker)
    return report
  }

  #refresh(): void {
    this.#picker.refresh(this.#closing ? [] : this.#workers)
  }

  readonly #nextSeq = (): number => this.#seq++

  readonly #released: Released = (worker, outcome, duration) => {
    const answered = typeof outcome === 'number' && outcome !== 101
    if (answered) this.metrics.observe(worker, duration / 1000)
    this.#picker.breaker?.ended(worker, outcome, duration)
  }
}

function ids(workers: readonly Worker[]): string[] {
  return workers.map(({ id }) => id)
}
