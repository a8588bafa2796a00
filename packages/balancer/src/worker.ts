import type { Entry } from './bag.ts'
import { hasAnswered, type FailureKind, type Outcome, type StatusClass } from './outcome.ts'
import { Ramp } from './ramp.ts'
import { PeakEwma } from './peak-ewma.ts'
import { Tally, type AttemptCounts, type Carrier } from './tally.ts'
import { UnderWay } from './under-way.ts'
import { parseSpec, type WorkerSpec } from './worker-spec.ts'

export type { FailureKind, Outcome, StatusClass } from './outcome.ts'
export type { AttemptCounts, Carrier } from './tally.ts'
export type { WorkerSpec } from './worker-spec.ts'

/** One attempt on one worker, from pick to release. */
export interface Lease {
  readonly worker: Worker
  /** Tells that a TCP connection stands: how long that took is the worker's latency. */
  connected(): void
  /** Ends the attempt; a second release does nothing. `kind` is of the outcome `failed`. */
  release(outcome: Outcome, kind?: FailureKind): void
}

/** Told of an attempt's end: what became of it, after how many ms. */
export type Released = (worker: Worker, outcome: Outcome, duration: number) => void

/** Told that an attempt's TCP connection stands, after how many ms. */
export type Connected = (worker: Worker, duration: number) => void

/** Writes a worker's liveness. For `health/poller.ts` and nothing else: no request ever decides who is alive. */
export let setAlive: (worker: Worker, alive: boolean) => void

/** Writes whether a worker is to get no new requests. For `drain.ts` alone: the operator says so. */
export let setDraining: (worker: Worker, draining: boolean) => void

/** Writes a worker's weight. For `pool.ts` alone: an update of the pool says so. */
export let setWeight: (worker: Worker, weight: number) => void

/** Has a worker's weight grow to its full size, over so many ms from now. For `pool.ts` alone. */
export let ramp: (worker: Worker, duration: number) => void

/** Adds what other processes have counted of a worker's attempts. For `elsewhere.ts` alone. */
export let absorb: (worker: Worker, counts: AttemptCounts) => void

let connected: (attempt: Attempt) => void

let settle: (attempt: Attempt, outcome: Outcome, kind: FailureKind) => number

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
  /** Whether it is spoken to by TLS. */
  readonly isSecure: boolean
  /** Whether it is one for TCP: nobody knows what it speaks. Else that is HTTP. */
  readonly isTcp: boolean
  /** Its place in the pool, never reused. Lists of workers are sorted by it, so round robin knows where it stood. */
  readonly seq: number

  #alive = false
  #draining = false
  #weight: number
  #ramp: Ramp | undefined
  #requests = 0
  #retries = 0
  readonly #latency = new PeakEwma()
  readonly #now: () => number
  readonly #underWay = new UnderWay<Attempt>()
  readonly #tally = new Tally()

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
    ramp = (worker, duration) => {
      worker.#ramp = new Ramp(worker.#now(), duration)
    }
    absorb = (worker, counts) => {
      const { attempts = 0, retries = 0, durations = [], connects = [] } = counts
      for (const figure of [...durations, ...connects]) worker.#latency.observe(worker.#now(), figure)
      worker.#requests += attempts
      worker.#retries += retries
      worker.#underWay.addElsewhere(attempts - worker.#tally.absorb(counts))
    }
    connected = (attempt) => {
      const { worker, begun } = attempt
      const now = worker.#now()
      worker.#latency.observe(now, now - begun)
      attempt.isObserved = true
      attempt.onConnected?.(worker, now - begun)
    }
    settle = (attempt, outcome, kind) => attempt.worker.#settle(attempt, outcome, kind)
  }

  /** `now` is the clock, in ms. @throws OptionError that names `option` when the spec is not a worker. */
  constructor(spec: WorkerSpec, seq: number, option: string, now: () => number = () => performance.now()) {
    const { url, name, weight } = parseSpec(spec, option)
    this.url = url
    this.host = this.url.host
    this.hostname = this.url.hostname.replace(/^\[|\]$/g, '')
    this.isSecure = this.url.protocol === 'https:' || this.url.protocol === 'tls:'
    this.isTcp = this.url.protocol === 'tcp:' || this.url.protocol === 'tls:'
    this.port = Number(this.url.port) || (this.isSecure ? 443 : 80)
    this.id = name ?? `${this.url.hostname}:${this.port}`
    this.seq = seq
    this.#weight = weight
    this.#now = now
  }

  /** What the poller found last; false until the first good probe. Written through `setAlive` alone. */
  get alive(): boolean {
    return this.#alive
  }

  /** Whether it gets no new requests, though it lives. Written by the pool. */
  get draining(): boolean {
    return this.#draining
  }

  /**
   * Its share of the traffic, relative to the other workers, under strategies that know weights: from a tenth of its
   * full weight upwards while it starts slowly. Written by the pool.
   */
  get weight(): number {
    return this.#ramp === undefined ? this.#weight : this.#weight * this.#ramp.share(this.#now())
  }

  /** Its weight when it does not start slowly. Written by the pool. */
  get fullWeight(): number {
    return this.#weight
  }

  /** Attempts begun and not yet released, in this process and others. Written by leases and `absorb`, as are all below. */
  get inFlight(): number {
    return this.#underWay.total
  }

  /** Attempts ever begun. */
  get requests(): number {
    return this.#requests
  }

  /** Attempts ever begun that were not the first of their request. */
  get retries(): number {
    return this.#retries
  }

  /** Attempts ever failed, by how. */
  get failures(): Readonly<Record<FailureKind, number>> {
    return this.#tally.failures
  }

  /** Attempts ever finished, by what became of them. */
  get outcomes(): Readonly<Record<StatusClass, number>> {
    return this.#tally.outcomes
  }

  /** Bytes that TCP connections have brought from it, those under way included. */
  get received(): number {
    return this.#tally.received + this.#underWay.bytes('received')
  }

  /** Bytes that TCP connections have brought to it, those under way included. */
  get sent(): number {
    return this.#tally.sent + this.#underWay.bytes('sent')
  }

  /**
   * How long it takes for a whole answer, or for a TCP connection to stand, in ms: a peak EWMA that time decays, 0
   * before the first attempt is over.
   * A failed attempt never lowers it, lest who fails fast looks fast.
   */
  get latency(): number {
    return this.#latency.at(this.#now())
  }

  /** Begins an attempt. `released` is told its end once, `connected` that its connection stands. */
  lease(carrier?: Carrier, released?: Released, isRetry = false, connected?: Connected): Lease {
    const attempt = new Attempt(this, this.#now(), carrier, released, connected)
    attempt.entry = this.#underWay.add(attempt)
    this.#requests++
    if (isRetry) this.#retries++
    return attempt
  }

  /** Resolves when no attempt is in flight. */
  idle(): Promise<void> {
    return this.#underWay.idle()
  }

  /** Ends this process's attempts in flight by destroying what they are carried for; returns how many, with others'. */
  cut(): number {
    return this.#underWay.cut()
  }

  /** Returns how long the attempt took. */
  #settle(attempt: Attempt, outcome: Outcome, kind: FailureKind): number {
    if (attempt.entry) this.#underWay.delete(attempt.entry)
    this.#tally.add(outcome, kind, attempt.carrier)
    const now = this.#now()
    const duration = now - attempt.begun
    if (outcome === 'failed' && !attempt.isObserved) this.#latency.hold(now, duration)
    else if (hasAnswered(outcome)) this.#latency.observe(now, duration)
    this.#underWay.settle()
    return duration
  }
}

/** A class, since closures would be made anew for each request. */
class Attempt implements Lease {
  readonly worker: Worker
  readonly carrier: Carrier | undefined
  readonly begun: number
  readonly onConnected: Connected | undefined
  /** By which its worker finds it. Written by the worker. */
  entry: Entry<Attempt> | undefined
  /** Whether the worker's latency is told of it already. Written by the worker. */
  isObserved = false
  readonly #released: Released | undefined
  #open = true

  constructor(worker: Worker, begun: number, carrier?: Carrier, released?: Released, connected?: Connected) {
    this.worker = worker
    this.carrier = carrier
    this.#released = released
    this.begun = begun
    this.onConnected = connected
  }

  connected(): void {
    connected(this)
  }

  release(outcome: Outcome, kind: FailureKind = 'other'): void {
    if (!this.#open) return
    this.#open = false
    const duration = settle(this, outcome, kind)
    this.#released?.(this.worker, outcome, duration)
  }
}
