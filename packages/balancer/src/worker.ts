import { Bag, type Entry } from './bag.ts'
import { OptionError } from './errors.ts'

/** How a worker is given to a pool: its origin, or the origin with what belongs to it. */
export type WorkerSpec =
  | string
  | URL
  | {
      /** `http://host:port`, without path, credentials or query. */
      readonly url: string | URL
      /** The worker's id; default `host:port`. */
      readonly name?: string
      /** Share of the traffic, relative to the other workers, under strategies that know weights. Default 1. */
      readonly weight?: number
    }

/** What became of an attempt: the status that the worker answered in full, or why there is none. */
export type Outcome = number | 'failed' | 'client-gone'

/** The classes by which finished attempts are counted. */
export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'failed' | 'client-gone'

/** One attempt on one worker, from pick to release. */
export interface Lease {
  readonly worker: Worker
  /** Ends the attempt; a second release does nothing. */
  release(outcome: Outcome): void
}

/** What an attempt is carried for: a response, or an upgraded client's socket. To destroy it ends the attempt. */
export interface Carrier {
  destroy(): unknown
}

/** Told of an attempt's end: what became of it, after how many ms. */
export type Released = (worker: Worker, outcome: Outcome, duration: number) => void

/** Writes a worker's liveness. For `health/poller.ts` and nothing else: no request ever decides who is alive. */
export let setAlive: (worker: Worker, alive: boolean) => void

/** Writes whether a worker is to get no new requests. For `drain.ts` alone: the operator says so. */
export let setDraining: (worker: Worker, draining: boolean) => void

/** Writes a worker's weight. For `pool.ts` alone: an update of the pool says so. */
export let setWeight: (worker: Worker, weight: number) => void

let settle: (attempt: Attempt, outcome: Outcome, duration: number) => void

/** Over what time a worker's latency forgets, in ms: after that long an old figure weighs 1/e. */
const DECAY = 10_000

/** One backend: what it is, whether it lives, and what was asked of it. */
export class Worker {
  /** Its `name`, else `host:port`; unique in the pool and independent of its neighbours. */
  readonly id: string
  readonly url: URL
  /** `host:port` as a `Host` header says it. */
  readonly host: string
  /** For sockets: the host without the brackets of an IPv6 literal. */
  readonly hostname: string
  readonly port: number
  /** Its place in the pool, never reused. Lists of workers are sorted by it, so round robin knows where it stood. */
  readonly seq: number

  #alive = false
  #draining = false
  #weight: number
  #requests = 0
  #latency = 0
  #measured = 0
  #idle: PromiseWithResolvers<void> | undefined
  readonly #attempts = new Bag<Attempt>()
  readonly #outcomes: Record<StatusClass, number> = {
    '1xx': 0,
    '2xx': 0,
    '3xx': 0,
    '4xx': 0,
    '5xx': 0,
    failed: 0,
    'client-gone': 0,
  }

  static {
    setAlive = (worker, alive) => {
      worker.#alive = alive
    }
    setDraining = (worker, draining) => {
      worker.#draining = draining
    }
    setWeight = (worker, weight) => {
      worker.#weight = weight
    }
    settle = (attempt, outcome, duration) => attempt.worker.#settle(attempt, outcome, duration)
  }

  /** @throws OptionError that names `option` when the spec is not a worker. */
  constructor(spec: WorkerSpec, seq: number, option: string) {
    const isUrl = typeof spec !== 'object' || spec === null || spec instanceof URL
    const { url, name, weight = 1 } = isUrl ? { url: spec } : spec
    this.url = parseOrigin(url, option)
    this.host = this.url.host
    this.hostname = this.url.hostname.replace(/^\[|\]$/g, '')
    this.port = Number(this.url.port) || 80
    if (name !== undefined && (typeof name !== 'string' || name.trim() === ''))
      throw new OptionError(`${option}.name`, name, 'is not a name; give a string that is not empty')
    if (typeof weight !== 'number' || !Number.isFinite(weight) || weight <= 0)
      throw new OptionError(`${option}.weight`, weight, 'is not a weight; give a number above 0')
    this.id = name ?? `${this.url.hostname}:${this.port}`
    this.seq = seq
    this.#weight = weight
  }

  /** What the poller found last; false until the first good probe. Written through `setAlive` alone. */
  get alive(): boolean {
    return this.#alive
  }

  /** Whether it gets no new requests, though it lives. Written by the pool. */
  get draining(): boolean {
    return this.#draining
  }

  /** Its share of the traffic, relative to the other workers, under strategies that know weights. Written by the pool. */
  get weight(): number {
    return this.#weight
  }

  /** Attempts that were begun and not yet released. Written by leases. */
  get inFlight(): number {
    return this.#attempts.size
  }

  /** Attempts ever begun. Written by leases. */
  get requests(): number {
    return this.#requests
  }

  /** Attempts ever finished, by what became of them. Written by leases. */
  get outcomes(): Readonly<Record<StatusClass, number>> {
    return this.#outcomes
  }

  /**
   * How long it takes for an answer, in ms: a moving average that forgets with time; 0 before the first. A failed
   * attempt can only raise it, lest who fails fast looks fast. Written by leases.
   */
  get latency(): number {
    return this.#latency
  }

  /** Begins an attempt. `released` is told its end once. */
  lease(carrier?: Carrier, released?: Released): Lease {
    const attempt = new Attempt(this, carrier, released)
    attempt.entry = this.#attempts.add(attempt)
    this.#requests++
    return attempt
  }

  /** Resolves when no attempt is in flight. */
  idle(): Promise<void> {
    if (this.#attempts.size === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  /** Ends all attempts in flight by destroying what they are carried for; returns how many. */
  cut(): number {
    const attempts = this.#attempts.values()
    for (const { carrier } of attempts) carrier?.destroy()
    return attempts.length
  }

  #settle(attempt: Attempt, outcome: Outcome, duration: number): void {
    if (attempt.entry) this.#attempts.delete(attempt.entry)
    this.#outcomes[statusClass(outcome)]++
    if (typeof outcome === 'number' ? outcome !== 101 : outcome === 'failed' && duration > this.#latency)
      this.#measure(attempt.begun + duration, duration)
    if (this.#attempts.size > 0 || !this.#idle) return
    this.#idle.resolve()
    this.#idle = undefined
  }

  #measure(now: number, duration: number): void {
    const old = this.#measured === 0 ? 0 : Math.exp((this.#measured - now) / DECAY)
    this.#latency = old * this.#latency + (1 - old) * duration
    this.#measured = now
  }
}

/** A class, since closures would be made anew for each request. */
class Attempt implements Lease {
  readonly worker: Worker
  readonly carrier: Carrier | undefined
  readonly begun = performance.now()
  /** By which its worker finds it. Written by the worker. */
  entry: Entry<Attempt> | undefined
  readonly #released: Released | undefined
  #open = true

  constructor(worker: Worker, carrier: Carrier | undefined, released: Released | undefined) {
    this.worker = worker
    this.carrier = carrier
    this.#released = released
  }

  release(outcome: Outcome): void {
    if (!this.#open) return
    this.#open = false
    const duration = performance.now() - this.begun
    settle(this, outcome, duration)
    this.#released?.(this.worker, outcome, duration)
  }
}

function statusClass(outcome: Outcome): StatusClass {
  return typeof outcome === 'number'
    ? (`${Math.min(Math.trunc(outcome / 100), 5)}xx` as StatusClass)
    : outcome
}

function parseOrigin(value: unknown, option: string): URL {
  const text = value instanceof URL ? value.href : value
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (!url) throw new OptionError(option, value, 'is not a URL; write it as "http://host:port"')
  if (url.protocol !== 'http:')
    throw new OptionError(
      option,
      value,
      `has the unsupported protocol "${url.protocol}"; use "http://host:port"`,
    )
  if (url.port === '0')
    throw new OptionError(option, value, 'names port 0, where nobody can be reached; use 1 to 65535')
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password)
    throw new OptionError(option, value, `is more than an origin; write it as "${url.origin}"`)
  return url
}
