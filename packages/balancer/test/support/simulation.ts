import type { Client } from '../../src/client.ts'
import type { Strategy } from '../../src/strategies/strategy.ts'
import { Worker, type Lease } from '../../src/worker.ts'
import { dice } from './dice.ts'

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

/**
 * A discrete-event simulation with the runtime's own workers and leases, their clock, and a strategy. The requests
 * are the same for every strategy: when they come, and how much work each is.
 */
export function simulate(create: (random: () => number) => Strategy, setting: Setting, seed = 1): Simulated {
  const arrival = dice(seed)
  const work = dice(seed + 1)
  const pick = create(dice(seed + 2))
  let now = 0
  const workers = Array.from(
    { length: setting.workers },
    (_, seq) => new Worker(`http://w${seq}.test`, seq, 'worker', () => now),
  )
  const free = new Float64Array(workers.length)
  const isSlow = ({ seq }: Worker): boolean => seq % setting.slowEvery === 0
  const under = new Departures()
  const times: number[] = []

  for (let request = 0; request < setting.requests; request++) {
    const at = now + exponential(arrival()) * (1000 / setting.perSecond)
    for (let next = under.before(at); next; next = under.before(at)) {
      now = next.time
      next.lease.release(200)
    }
    now = at
    const worker = pick(workers, { ...NOBODY, ip: `10.0.${request % 251}.${request % 256}` })
    if (!worker) throw new Error('nobody was picked')
    const needed = exponential(work()) * setting.service * (isSlow(worker) ? setting.slowness : 1)
    const time = Math.max(now, free[worker.seq] as number) + needed
    free[worker.seq] = time
    under.add({ time, lease: worker.lease() })
    if (request >= setting.requests / 5) times.push(time - now)
  }
  const sorted = Float64Array.from(times).toSorted()
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? Number.NaN
  const slow = workers.filter(isSlow).reduce((sum, { requests }) => sum + requests, 0) / setting.requests
  const fewest = workers.reduce((least, { requests }) => Math.min(least, requests), Infinity)
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), slow, fewest }
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

interface Departure {
  readonly time: number
  readonly lease: Lease
}

/** A binary heap, the earliest on top. */
class Departures {
  readonly #heap: Departure[] = []

  add(departure: Departure): void {
    const heap = this.#heap
    let at = heap.push(departure) - 1
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if ((heap[parent] as Departure).time <= departure.time) break
      heap[at] = heap[parent] as Departure
      at = parent
    }
    heap[at] = departure
  }

  /** Takes the earliest, if it is before this time. */
  before(time: number): Departure | undefined {
    const heap = this.#heap
    const [first] = heap
    if (!first || first.time > time) return undefined
    const last = heap.pop() as Departure
    if (heap.length > 0) this.#sink(last)
    return first
  }

  #sink(departure: Departure): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Departure).time < (heap[child] as Departure).time)
        child++
      if ((heap[child] as Departure).time >= departure.time) break
      heap[at] = heap[child] as Departure
      at = child
    }
    heap[at] = departure
  }
}
