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

/** Writes a worker's liveness. For `health/poller.ts` and nothing else: no request ever decides who is alive. */
export let setAlive: (worker: Worker, alive: boolean) => void

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
  readonly weight: number

  #alive = false
  #inFlight = 0
  #requests = 0
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
    this.weight = weight
  }

  /** What the poller found last; false until the first good probe. Written through `setAlive` alone. */
  get alive(): boolean {
    return this.#alive
  }

  /** Attempts that were begun and not yet released. Written by leases. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Attempts ever begun. Written by leases. */
  get requests(): number {
    return this.#requests
  }

  /** Attempts ever finished, by what became of them. Written by leases. */
  get outcomes(): Readonly<Record<StatusClass, number>> {
    return this.#outcomes
  }

  /** Begins an attempt. `released` is told its outcome once. */
  lease(released?: (outcome: Outcome) => void): Lease {
    let open = true
    this.#inFlight++
    this.#requests++
    return {
      worker: this,
      release: (outcome) => {
        if (!open) return
        open = false
        this.#inFlight--
        this.#outcomes[statusClass(outcome)]++
        released?.(outcome)
      },
    }
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
