import { EventEmitter } from 'node:events'
import { Configuration } from './configuration.ts'
import type { Client } from './client.ts'
import { Drains, toDrain, type Drained, type DrainOptions } from './drain.ts'
import type { OnVerdict } from './health/poller.ts'
import { Metrics } from './metrics/metrics.ts'
import type { PoolEvents, Updated } from './pool-events.ts'
import { Picker } from './picker.ts'
import type { PoolOptions, Settings } from './pool-options.ts'
import type { RetryAccount } from './retry-budget.ts'
import { statsOf, type PoolStats } from './stats.ts'
import { tell } from './tell.ts'
import { merge, displaced, find, ids, isForTcp, toWorker, toWorkers } from './worker-list.ts'
import type { Carrier, Lease, Released, Worker, WorkerSpec } from './worker.ts'

const NONE: ReadonlySet<Worker> = new Set()

/**
 * A pool of workers that serve the same thing, polled from now on. An app needs no more than this and
 * `loadBalance`: requests that come before the first probes are in wait for them.
 * @throws OptionError for an empty list, a bad or duplicate worker, workers for HTTP beside such for TCP, or a bad option.
 */
export function createPool(workers: readonly WorkerSpec[], options: PoolOptions = {}): Pool {
  return new Pool(workers, options)
}

/** The workers, and who of them may be picked. */
export class Pool extends EventEmitter<PoolEvents> {
  /** What is counted of the requests. */
  readonly metrics: Metrics = new Metrics(() => this.#workers)
  /** Whether its workers are for TCP (`tcp:` and `tls:`), all of them and for good, and not for HTTP. */
  readonly isTcp: boolean
  #workers: readonly Worker[] = []
  #seq = 0
  #closing: Promise<Drained[]> | undefined
  readonly #configuration: Configuration
  readonly #drains = new Drains()
  readonly #picker: Picker

  constructor(specs: readonly WorkerSpec[], options: PoolOptions = {}) {
    super()
    const workers = toWorkers(specs, this.#nextSeq)
    this.isTcp = isForTcp(workers)
    this.#configuration = new Configuration(options, this.isTcp, this.#judged)
    this.#picker = new Picker(this.settings, this.#drains, (worker, state) => {
      this.#refresh()
      if (state !== 'half-open')
        tell(() => this.emit(state === 'open' ? 'breaker-open' : 'breaker-close', worker))
    })
    this.#join(workers)
  }

  /** All workers, dead and draining ones too, in the order in which they came. */
  get workers(): readonly Worker[] {
    return this.#workers
  }

  /** Its options, checked and whole. */
  get settings(): Settings {
    return this.#configuration.settings
  }

  /** What is left for retries. Kept by `load-balance.ts`. */
  get retries(): RetryAccount {
    return this.#configuration.retries
  }

  /** Resolves when the workers that the pool was made with, or that came while nobody was eligible, have a verdict. */
  get ready(): Promise<void> {
    return this.#configuration.ready
  }

  /** Whether `ready` has resolved. */
  get isReady(): boolean {
    return this.#configuration.isReady
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
    return statsOf(this.metrics, this.#workers, this.#picker, this.#drains, this.#configuration.poller)
  }

  /**
   * Adds a worker, eligible from its first good probe, which goes out at once.
   * @throws OptionError for a bad or duplicate worker, or one of the other kind; nothing is changed then.
   */
  add(spec: WorkerSpec): Worker {
    const worker = toWorker(spec, this.#nextSeq(), this.isTcp, this.#workers)
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
   * Makes the pool what `createPool` would make of these workers and options, at once and under load: who is new is
   * added, who is missing is removed (as `options.drain` says), who stays, by id and URL, keeps its counters,
   * connections and health, and gets its new weight. Without `options` those that it has stay.
   * @throws OptionError for a bad or duplicate worker, one of the other kind, none, or a bad option; nothing is changed then.
   */
  update(specs: readonly WorkerSpec[], options: PoolOptions = this.#configuration.options): Updated {
    const settings = this.#configuration.next(options)
    const wanted = toWorkers(specs, this.#nextSeq, this.isTcp)
    this.#configuration.change(options, settings, this.#workers)
    this.#picker.reconfigure(settings)
    const drain = this.#drainOptions({})
    const { kept, added, removed } = merge(this.#workers, wanted)
    for (const worker of kept) this.#drains.stay(worker)
    this.#refresh()
    const leaving = removed.filter((worker) => !this.#drains.isLeaving(worker)) // others go on as they were asked to
    const drained = leaving.map((worker) => this.#removeWorker(worker, drain))
    for (const worker of displaced(removed, [...kept, ...added])) this.#leave(worker)
    this.#join(added)
    return {
      added: ids(added),
      removed: ids(removed),
      kept: ids(kept),
      drained: Promise.all(drained),
    }
  }

  /** Probes all workers now, beside the schedule; resolves when every probe has counted. */
  poll(): Promise<void> {
    return this.#configuration.poller.poll()
  }

  /** Time to the next poll, in whole seconds: when it makes sense to ask again. */
  get retryAfter(): number {
    return Math.max(1, Math.ceil(this.#configuration.poller.untilNext() / 1000))
  }

  /**
   * Stops polling, and picks nobody from now on. Resolves with a report of each worker when what they carry is over:
   * at the latest after the timeout, when the rest is cut.
   */
  close(options: DrainOptions = {}): Promise<readonly Drained[]> {
    const { timeout } = this.#drainOptions(options)
    if (!this.#closing) {
      this.#configuration.close()
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
    if (workers.length > 0) this.#configuration.watch(workers, this.#picker.eligible.length === 0)
    for (const worker of workers) tell(() => this.emit('added', worker))
  }

  #leave(worker: Worker): void {
    if (!this.#workers.includes(worker)) return
    this.#workers = Object.freeze(this.#workers.filter((candidate) => candidate !== worker))
    this.#configuration.poller.unwatch(worker)
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

  readonly #judged: OnVerdict = (worker, alive, reason) => {
    if (alive && this.isReady) this.#picker.slowStart(worker) // before, all are new: nobody could take what one is spared
    this.#refresh()
    this.emit(alive ? 'up' : 'down', worker, reason)
  }

  readonly #released: Released = (worker, outcome, duration) => {
    const answered = typeof outcome === 'number' && outcome !== 101
    if (answered) this.metrics.observe(worker, duration / 1000)
    this.#picker.breaker?.ended(worker, outcome, duration)
  }
}
