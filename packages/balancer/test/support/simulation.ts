import type { Client } from '../../src/client.ts'
import type { Strategy } from '../../src/strategies/strategy.ts'
import { Worker } from '../../src/worker.ts'
import { Departures } from './departures.ts'
import { dice } from './dice.ts'
import { spread, type Processes } from './simulated-processes.ts'

/** What is simulated: requests that come by chance, to workers that serve one after the other, each in its own time. */
export interface Setting {
  readonly workers: number
  /** Every so many-eth worker is slow. */
  readonly slowEvery: number
  /** How many times slower a slow worker is. */
  readonly slowness: number
  /** Mean time that a worker needs for a request, in ms; exponentially distributed. */
  readonly service: number
  /** Requests a second, all together; the gaps are exponentially distributed. */
  readonly perSecond: number
  readonly requests: number
  /** Of each worker; default 1. */
  readonly weights?: readonly number[]
}

/** Response times, queueing and service, in ms, without the first fifth of the requests. */
export interface Simulated {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Share of the requests that slow workers got. */
  readonly slow: number
  /** The fewest requests that a worker got. */
  readonly fewest: number
  /** How many requests each worker got, of all processes. */
  readonly counts: readonly number[]
  /** What those that are not slow got, as a multiple of their mean: the fewest, and the most. */
  readonly least: number
  readonly most: number
}

/** A thousand workers, a tenth of them ten times slower, at a rate that those bear if they get their share: 70 %. */
export const CALM: Setting = {
  workers: 1000,
  slowEvery: 10,
  slowness: 10,
  service: 10,
  perSecond: 7000,
  requests: 200_000,
}

/** The same at 60 % of what all could serve together, more than slow workers bear. */
export const BUSY: Setting = { ...CALM, perSecond: 54_600 }

/** Eight workers, one of them five times slower, at 70 % of what all could serve together. */
export const SMALL: Setting = {
  workers: 8,
  slowEvery: 8,
  slowness: 5,
  service: 10,
  perSecond: 504,
  requests: 100_000,
}

/**
 * A discrete-event simulation with the runtime's own workers and leases, their clock, and a strategy. The requests
 * are the same for every strategy: when they come, and how much work each is. With several processes, each has a
 * strategy of its own and sees what it sent itself, while the workers that serve are the same for all.
 */
export function simulate(
  create: (random: () => number) => Strategy,
  setting: Setting,
  seed = 1,
  processes: Processes = { count: 1 },
): Simulated {
  const arrival = dice(seed)
  const work = dice(seed + 1)
  let now = 0
  const workersOf = (): Worker[] => workersIn(setting, () => now)
  const nextProcess = spread(processes, workersOf, create, seed + 2)
  const free = new Float64Array(setting.workers)
  const counts = Array.from(free, () => 0)
  const under = new Departures()
  const times: number[] = []

  for (let request = 0; request < setting.requests; request++) {
    const at = now + exponential(arrival()) * (1000 / setting.perSecond)
    for (let next = under.before(at); next; next = under.before(at)) {
      now = next.time
      next.lease.release(200)
    }
    now = at
    const { workers, pick } = nextProcess()
    const worker = pick(workers, { ...NOBODY, ip: `10.0.${request % 251}.${request % 256}` })
    if (!worker) throw new Error('nobody was picked')
    const { seq } = worker
    const needed = exponential(work()) * setting.service * (isSlow(setting, seq) ? setting.slowness : 1)
    const time = Math.max(now, free[seq] as number) + needed
    free[seq] = time
    counts[seq] = (counts[seq] as number) + 1
    under.add({ time, lease: worker.lease() })
    if (request >= setting.requests / 5) times.push(time - now)
  }
  return { ...quantiles(times), ...shares(setting, counts) }
}

function workersIn({ workers, weights }: Setting, now: () => number): Worker[] {
  return Array.from(
    { length: workers },
    (_, seq) => new Worker({ url: `http://w${seq}.test`, weight: weights?.[seq] ?? 1 }, seq, 'worker', now),
  )
}

function isSlow({ slowEvery }: Setting, seq: number): boolean {
  return seq % slowEvery === 0
}

function quantiles(times: readonly number[]): Pick<Simulated, 'p50' | 'p99' | 'p999'> {
  const sorted = Float64Array.from(times).toSorted()
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}

function shares(setting: Setting, counts: readonly number[]): Omit<Simulated, 'p50' | 'p99' | 'p999'> {
  const slow = counts.reduce((sum, count, seq) => sum + (isSlow(setting, seq) ? count : 0), 0)
  const swift = counts.filter((_, seq) => !isSlow(setting, seq))
  const mean = swift.reduce((sum, count) => sum + count, 0) / swift.length
  return {
    slow: slow / setting.requests,
    fewest: Math.min(...counts),
    counts,
    least: Math.min(...swift) / mean,
    most: Math.max(...swift) / mean,
  }
}

const NOBODY: Client = {
  ip: undefined,
  path: '/',
  isSecure: false,
  header: () => undefined,
  cookie: () => undefined,
  query: () => undefined,
}

function exponential(chance: number): number {
  return -Math.log(1 - chance)
}
