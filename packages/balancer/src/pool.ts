import { EventEmitter } from 'node:events'
import { Configuration } from './configuration.ts'
import type { Client } from './client.ts'
import type { Counts } from './counts.ts'
import type { Drained, DrainOptions } from './drain.ts'
import { Elsewhere } from './elsewhere.ts'
import { createFollowing } from './health/following.ts'
import { createPoller, type OnVerdict } from './health/poller.ts'
import { verdictsOf, type Verdict } from './health/verdict.ts'
import { Ledger } from './ledger.ts'
import { Members, type OnMember } from './members.ts'
import { Metrics } from './metrics/metrics.ts'
import { hasAnswered } from './outcome.ts'
import type { PoolEvents, Updated } from './pool-events.ts'
import type { Picker } from './picker.ts'
import type { PoolOptions, Settings } from './pool-options.ts'
import type { RetryAccount } from './retry-budget.ts'
import { statsOf, type PoolStats } from './stats.ts'
import { isForTcp, toWorkers } from './worker-list.ts'
import type { Carrier, Lease, Released, Worker, WorkerSpec } from './worker.ts'

const NONE: ReadonlySet<Worker> = new Set()

/** What a pool has to do with pools in other processes. */
export interface Ties {
  /** Of a leader (`createPool`). */
  readonly settle?: (() => Promise<unknown>) | undefined
  /** Of a follower (`createFollower`). */
  readonly onCounted?: () => void
}

/** The workers, and who of them may be picked. Made by `create-pool.ts`. */
export class Pool extends EventEmitter<PoolEvents> {
  /** What is counted of the requests. */
  readonly metrics: Metrics
  /** Whether its workers are for TCP (`tcp:` and `tls:`), all of them and for good, and not for HTTP. */
  readonly isTcp: boolean
  readonly #configuration: Configuration
  readonly #members: Members
  readonly #picker: Picker
  readonly #elsewhere: Elsewhere
  readonly #ledger: Ledger | undefined

  constructor(specs: readonly WorkerSpec[], options: PoolOptions = {}, { settle, onCounted }: Ties = {}) {
    super()
    let seq = 0
    const workers = toWorkers(specs, () => seq++)
    this.isTcp = isForTcp(workers)
    this.metrics = new Metrics(() => this.#members.all, onCounted)
    this.#elsewhere = new Elsewhere(this.metrics)
    const create = onCounted ? createFollowing : createPoller
    this.#configuration = new Configuration(options, this.isTcp, create, this.#judged)
    const onMember: OnMember = {
      joined: (worker) => this.metrics.join(worker),
      left: (worker) => {
        this.#elsewhere.leave(worker)
        this.metrics.leave(worker)
      },
      broke: (worker) => this.#ledger?.touch(worker),
    }
    this.#members = new Members(workers, this.#configuration, this, onMember, settle)
    this.#picker = this.#members.picker
    this.#ledger = onCounted && new Ledger(this.metrics, this.#picker, onCounted)
  }

  /** All workers, dead and draining ones too, in the order in which they came. */
  get workers(): readonly Worker[] {
    return this.#members.all
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
    const ledger = this.#ledger
    const lease = ledger
      ? worker.lease(carrier, this.#releasedAndTold, tried !== NONE, ledger.connected)
      : worker.lease(carrier, this.#released, tried !== NONE)
    if (this.#picker.breaker?.began(worker)) this.#members.refresh()
    ledger?.touch(worker)
    return lease
  }

  /** What the pool knows at this moment. */
  stats(): PoolStats {
    return statsOf(this.metrics, this.#members, this.#elsewhere, this.#configuration.poller)
  }

  /** Every verdict that stands now: what a follower needs to begin with. */
  verdicts(): Verdict[] {
    const { poller } = this.#configuration
    return verdictsOf(this.#members.all, (worker) => poller.reason(worker))
  }

  /**
   * Takes over verdicts at once, so that the next pick goes by them. Those on workers that it has not (any more, or
   * under that URL) are ignored.
   * @throws TypeError if this pool polls itself.
   */
  heed(verdicts: readonly Verdict[]): void {
    this.#configuration.poller.heed(verdicts)
  }

  /** What a follower has counted since the last call; undefined for nothing, and of a pool that polls itself. */
  takeCounts(): Counts | undefined {
    return this.#ledger?.take()
  }

  /**
   * Adds what a follower in another process has counted. `from` stands for that process: what it has begun and not ended
   * is known by it, and drains here wait for that; of what was not told they know nothing. Counts of workers that this
   * pool has not (yet, any more, or under that URL) are ignored, and so are ends of what was begun before one came.
   */
  count(counts: Counts, from: object): void {
    this.#elsewhere.count(counts, from, this.#members.all)
  }

  /**
   * That process is gone, and will count no more. What it had begun is over: its attempts are `client-gone`, since the
   * worker is not to blame, its requests failed, its breakers are forgotten. All that it has counted stays.
   */
  forget(from: object): void {
    this.#elsewhere.forget(from)
  }

  /**
   * Adds a worker, eligible from its first good probe, which goes out at once.
   * @throws OptionError for a bad or duplicate worker, or one of the other kind; nothing is changed then.
   */
  add(spec: WorkerSpec): Worker {
    return this.#members.add(spec)
  }

  /**
   * Gives a worker no new requests, and resolves when what it carries is over: at the latest after the timeout,
   * when the rest is cut. It stays in the pool, is polled, and comes back by `undrain`, which ends a drain early.
   * Rejects with an OptionError for an unknown id or a bad timeout; nothing is changed then.
   */
  drain(id: string, options: DrainOptions = {}): Promise<Drained> {
    return this.#members.drain(id, options)
  }

  /**
   * Gives a worker new requests again, also one that is on its way out of the pool: it stays then.
   * @throws OptionError for an unknown id.
   */
  undrain(id: string): void {
    this.#members.undrain(id)
  }

  /** Drains a worker as `drain` does; it leaves the pool when it carries nothing more. */
  remove(id: string, options: DrainOptions = {}): Promise<Drained> {
    return this.#members.remove(id, options)
  }

  /**
   * Makes the pool what `createPool` would make of these workers and options, at once and under load: who is new is
   * added, who is missing is removed (as `options.drain` says), who stays, by id and URL, keeps its counters,
   * connections and health, and gets its new weight. Without `options` those that it has stay.
   * @throws OptionError for a bad or duplicate worker, one of the other kind, none, or a bad option; nothing is changed then.
   */
  update(specs: readonly WorkerSpec[], options: PoolOptions = this.#configuration.options): Updated {
    const updated = this.#members.update(specs, options)
    for (const worker of this.workers) this.#ledger?.touch(worker) // another breaker, perhaps
    return updated
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
    return this.#members.close(options)
  }

  readonly #judged: OnVerdict = (worker, alive, reason) => {
    if (alive && this.isReady) this.#picker.slowStart(worker) // before, all are new: nobody could take what one is spared
    this.#members.refresh()
    this.emit(alive ? 'up' : 'down', worker, reason)
  }

  readonly #released: Released = (worker, outcome, duration) => {
    if (hasAnswered(outcome)) this.metrics.observe(worker, duration / 1000)
    this.#picker.breaker?.ended(worker, outcome, duration)
  }

  /** As a function of its own it costs pools that tell nobody nothing. */
  readonly #releasedAndTold: Released = (worker, outcome, duration) => {
    this.#released(worker, outcome, this.#ledger?.ended(worker, outcome, duration) ?? duration)
    this.#ledger?.touch(worker)
  }
}
