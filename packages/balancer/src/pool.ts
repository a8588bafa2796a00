import { EventEmitter } from 'node:events'
import type { Client } from './client.ts'
import { OptionError } from './errors.ts'
import { createPoller, type HealthOptions, type Poller } from './health/poller.ts'
import { metricNames } from './metrics/names.ts'
import { Metrics } from './metrics/metrics.ts'
import { toStrategy, type StrategyName } from './strategies/index.ts'
import type { Strategy } from './strategies/strategy.ts'
import { Worker, type Lease, type Outcome, type WorkerSpec } from './worker.ts'

export interface PoolOptions {
  /** Who gets the next request: a name, or a function of your own. Default `round-robin`. */
  readonly strategy?: StrategyName | Strategy
  /** How liveness is polled. */
  readonly health?: HealthOptions
}

interface PoolEvents {
  /** A worker was found well, for the first time or again; with the poller's reason. */
  up: [worker: Worker, reason: string]
  /** A worker was found ill; with the poller's reason. */
  down: [worker: Worker, reason: string]
  added: [worker: Worker]
  removed: [worker: Worker]
}

const NONE: ReadonlySet<Worker> = new Set()

/**
 * A pool of workers that serve the same thing, polled from now on. An app needs no more than this and
 * `loadBalance`: requests that come before the first probes are in wait for them.
 * @throws OptionError for an empty list, a bad or duplicate worker, or a bad option.
 */
export function createPool(workers: readonly WorkerSpec[], options: PoolOptions = {}): Pool {
  return new Pool(workers, options)
}

/** The workers, and who of them may be picked. Made by `createPool`. */
export class Pool extends EventEmitter<PoolEvents> {
  /** What is counted of the requests. */
  readonly metrics: Metrics = new Metrics(() => this.#workers)
  /** Resolves when every worker that the pool was made with has its first verdict. */
  readonly ready: Promise<void>

  #workers: readonly Worker[] = []
  #eligible: readonly Worker[] = []
  #seq = 0
  #isReady = false
  #isClosed = false
  readonly #strategy: Strategy
  readonly #poller: Poller

  constructor(specs: readonly WorkerSpec[], { strategy = 'round-robin', health = {} }: PoolOptions = {}) {
    super()
    if (!Array.isArray(specs) || specs.length === 0)
      throw new OptionError('workers', specs, 'names no worker; give at least one, as "http://host:port"')
    this.#strategy = toStrategy(strategy)
    const workers = specs.map((spec, i) => new Worker(spec, this.#seq++, `workers[${i}]`))
    checkNames(workers)
    this.#poller = createPoller(health, (worker, alive, reason) => {
      this.#refresh()
      this.emit(alive ? 'up' : 'down', worker, reason)
    })
    this.#workers = Object.freeze(workers)
    for (const worker of workers) this.metrics.join(worker)
    this.ready = this.#poller.watch(workers).then(() => {
      this.#isReady = true
    })
  }

  /** All workers, dead ones too, in the order in which they came. */
  get workers(): readonly Worker[] {
    return this.#workers
  }

  /** Whether `ready` has resolved. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Begins an attempt on an eligible worker that is not among those `tried`; undefined if there is none. */
  acquire(client: Client, tried: ReadonlySet<Worker> = NONE): Lease | undefined {
    const eligible = tried.size === 0 ? this.#eligible : this.#eligible.filter((worker) => !tried.has(worker))
    const worker = eligible.length === 0 ? undefined : this.#strategy(eligible, client)
    if (!worker) return undefined
    const begun = performance.now()
    return worker.lease((outcome) => this.#observe(worker, outcome, begun))
  }

  /**
   * Adds a worker, eligible from its first good probe, which goes out at once.
   * @throws OptionError for a bad or duplicate worker; nothing is changed then.
   */
  add(spec: WorkerSpec): Worker {
    const worker = new Worker(spec, this.#seq++, 'worker')
    const workers = [...this.#workers, worker]
    checkNames(workers)
    this.#workers = Object.freeze(workers)
    this.metrics.join(worker)
    if (!this.#isClosed) void this.#poller.watch([worker])
    this.emit('added', worker)
    return worker
  }

  /**
   * Removes a worker: no new attempts, those in flight go on to their end.
   * @throws OptionError for an id that no worker has; nothing is changed then.
   */
  remove(id: string): void {
    const worker = this.#workers.find((candidate) => candidate.id === id)
    const known = this.#workers.map((candidate) => candidate.id).join(', ')
    if (!worker)
      throw new OptionError('id', id, `is no worker of this pool; use one of: ${known || '(none)'}`)
    this.#workers = Object.freeze(this.#workers.filter((candidate) => candidate !== worker))
    this.#poller.unwatch(worker)
    this.#refresh()
    this.metrics.leave(worker)
    this.emit('removed', worker)
  }

  /** Probes all workers now, beside the schedule; resolves when every probe has counted. */
  poll(): Promise<void> {
    return this.#poller.poll()
  }

  /** Time to the next poll, in whole seconds: when it makes sense to ask again. */
  get retryAfter(): number {
    return Math.max(1, Math.ceil(this.#poller.untilNext() / 1000))
  }

  /** Stops polling. Nobody is eligible from now on; attempts in flight go on to their end. */
  close(): void {
    this.#isClosed = true
    this.#poller.close()
    this.#refresh()
  }

  #refresh(): void {
    this.#eligible = Object.freeze(this.#isClosed ? [] : this.#workers.filter((worker) => worker.alive))
  }

  #observe(worker: Worker, outcome: Outcome, begun: number): void {
    const answered = typeof outcome === 'number' && outcome !== 101
    if (answered) this.metrics.observe(worker, (performance.now() - begun) / 1000)
  }
}

function checkNames(workers: readonly Worker[]): void {
  const ids = new Set<string>()
  for (const { id } of workers) {
    if (ids.has(id)) throw new OptionError('workers', id, 'is there twice; give each worker an id of its own')
    ids.add(id)
  }
  metricNames(workers)
}
