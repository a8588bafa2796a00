import { isDeepStrictEqual } from 'node:util'
import type { Health } from './health/options.ts'
import type { OnVerdict, Poller } from './health/poller.ts'
import { toSettings, type PoolOptions, type Settings } from './pool-options.ts'
import { RetryAccount } from './retry-budget.ts'
import { warnOf } from './tls.ts'
import { isForTcp, toWorkers } from './worker-list.ts'
import type { Worker, WorkerSpec } from './worker.ts'

/**
 * Looks whether `createPool` would take these, and starts nothing.
 * @throws OptionError for an empty list, a bad or duplicate worker, workers for HTTP beside such for TCP, or a bad option.
 */
export function checkPool(workers: readonly WorkerSpec[], options: PoolOptions = {}): void {
  toSettings(options, undefined, isForTcp(toWorkers(workers, () => 0)))
}

/** Makes the one that decides who is alive. */
export type CreatePoller = (health: Health, onVerdict: OnVerdict) => Poller

/** What a pool goes by: its options, and what is made of them. What the options do not change goes on as it was. */
export class Configuration {
  readonly #isTcp: boolean
  readonly #createPoller: CreatePoller
  readonly #onVerdict: OnVerdict
  #options: PoolOptions
  #settings: Settings
  #retries: RetryAccount
  #poller: Poller
  #verdicts: Promise<unknown> = Promise.resolve()
  #ready: Promise<void> = Promise.resolve()
  #isReady = false
  #isClosed = false

  /** @throws OptionError for the first option that is bad. */
  constructor(options: PoolOptions, isTcp: boolean, createPoller: CreatePoller, onVerdict: OnVerdict) {
    this.#isTcp = isTcp
    this.#createPoller = createPoller
    this.#onVerdict = onVerdict
    this.#options = options
    this.#settings = toSettings(options, undefined, isTcp)
    warnOf(this.#settings.tls)
    this.#retries = new RetryAccount(this.#settings.failover.budget)
    this.#poller = createPoller(this.#settings.health, onVerdict)
  }

  get options(): PoolOptions {
    return this.#options
  }

  get settings(): Settings {
    return this.#settings
  }

  get retries(): RetryAccount {
    return this.#retries
  }

  get poller(): Poller {
    return this.#poller
  }

  /** Resolves when all who were awaited have their first verdicts. */
  get ready(): Promise<void> {
    return this.#ready
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Has workers watched, and awaited if nobody else can serve meanwhile. */
  watch(workers: readonly Worker[], isAwaited: boolean): void {
    if (this.#isClosed) return
    const seen = this.#poller.watch(workers)
    if (!isAwaited) return
    this.#verdicts = Promise.all([this.#verdicts, seen])
    this.#isReady = false
    const ready = this.#settled().then(() => {
      if (ready === this.#ready) this.#isReady = true
    })
    this.#ready = ready
  }

  /** Stops polling, for good. */
  close(): void {
    this.#isClosed = true
    this.#poller.close()
  }

  /** By whichever poller it is then. */
  async #settled(): Promise<void> {
    for (let seen: Promise<unknown> | undefined; seen !== this.#verdicts;) {
      seen = this.#verdicts
      await seen
    }
  }

  /** What would come of other options. @throws OptionError for the first that is bad. */
  next(options: PoolOptions): Settings {
    return toSettings(options, { options: this.#options, settings: this.#settings }, this.#isTcp)
  }

  /** Goes by other options from now on; `settings` is their `next`. */
  change(options: PoolOptions, settings: Settings, workers: readonly Worker[]): void {
    const former = this.#poller
    const isOtherTls = settings.tls !== this.#settings.tls
    if (isOtherTls) warnOf(settings.tls)
    const probesOtherwise = isOtherTls && options.health?.probe === undefined
    const isOther = probesOtherwise || !isDeepStrictEqual(options.health, this.#options.health)
    if (!this.#isClosed && isOther) {
      this.#poller = this.#createPoller(settings.health, this.#onVerdict)
      this.#verdicts = this.#poller.succeed(former, workers)
      former.close()
    }
    if (!isDeepStrictEqual(settings.failover.budget, this.#settings.failover.budget))
      this.#retries = new RetryAccount(settings.failover.budget)
    this.#options = options
    this.#settings = settings
  }
}
