import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lease, Outcome, Pool } from '../src/index.ts'
import { dice } from './support/dice.ts'
import { poolOf, somebody } from './support/fakes.ts'
import { readyFollower, sent } from './support/following.ts'
import { readOpenMetrics, type Sample } from './support/open-metrics.ts'

const URLS = [1, 2, 3, 4, 5].map((port) => `tcp://localhost:${3000 + port}`)
const OUTCOMES: readonly Outcome[] = [101, 200, 304, 404, 500, 'closed', 'idle', 'failed', 'client-gone']
const KINDS = ['connect', 'request', 'response', 'timeout', 'other'] as const
const BOUNDS = /^rondo_worker_(?:alive|draining)$|_created$/

interface Carried {
  readonly lease: Lease
  readonly carrier: { received: number; sent: number; destroy(): void }
}

/** One process: its pool, and what it has under way. */
class Walker {
  readonly pool: Pool
  readonly carried: Carried[] = []
  readonly #random: () => number

  constructor(pool: Pool, random: () => number) {
    this.pool = pool
    this.#random = random
  }

  /** Does one thing by chance. */
  step(): void {
    const chance = this.#random()
    if (chance < 0.4 || this.carried.length === 0) this.#begin()
    else if (chance < 0.75) this.#end()
    else if (chance < 0.95) this.#carry()
    else {
      this.pool.metrics.begin()
      this.pool.metrics.end(0)
    }
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound)
  }

  #begin(): void {
    const carrier = { received: 0, sent: 0, destroy() {} }
    this.pool.metrics.begin()
    const tried = this.#below(4) === 0 ? new Set(this.pool.workers.slice(0, 1)) : undefined
    const lease = this.pool.acquire(somebody, tried, carrier) ?? assert.fail()
    if (tried) this.pool.metrics.retries++
    if (this.#below(2) === 0) lease.connected()
    this.carried.push({ lease, carrier })
  }

  #end(): void {
    const [{ lease }] = this.carried.splice(this.#below(this.carried.length), 1) as [Carried]
    const outcome = OUTCOMES[this.#below(OUTCOMES.length)] as Outcome
    if (outcome === 'failed') this.pool.metrics.failed++
    lease.release(outcome, KINDS[this.#below(KINDS.length)])
    this.pool.metrics.end(1)
  }

  #carry(): void {
    const { carrier } = this.carried[this.#below(this.carried.length)] as Carried
    carrier.received += this.#below(1000)
    carrier.sent += this.#below(1000)
  }
}

/** What can be added up of the stats of a pool, by name. */
function figures(pool: Pool): Map<string, number> {
  const { requests, workers } = pool.stats()
  const all = new Map<string, number>(Object.entries(requests))
  for (const { id, inFlight, attempts, retries, received, sent, outcomes, failures } of workers)
    for (const [name, figure] of Object.entries({
      inFlight,
      attempts,
      retries,
      received,
      sent,
      ...outcomes,
      ...failures,
    }))
      all.set(`${id} ${name}`, figure)
  return all
}

async function series(pool: Pool): Promise<Map<string, number>> {
  const samples = readOpenMetrics(await pool.metrics.openMetrics()).filter(({ name }) => !BOUNDS.test(name))
  const nameOf = ({ name, labels }: Sample): string => `${name} ${JSON.stringify(labels)}`
  return new Map(samples.map((sample) => [nameOf(sample), sample.value]))
}

/** Sums of durations are floating point, added in another order. */
function assertSum(whole: Map<string, number>, parts: readonly Map<string, number>[]): void {
  for (const [name, figure] of whole) {
    const sum = parts.reduce((total, part) => total + (part.get(name) ?? 0), 0)
    assert.ok(Math.abs(sum - figure) < 1e-6, `${name} is ${figure}, and ${sum} in all parts`)
  }
  for (const part of parts) for (const name of part.keys()) assert.ok(whole.has(name), `${name} is missing`)
}

for (let seed = 1; seed <= 5; seed++)
  test(`a leader has what two followers have, at every time that they tell: walk ${seed}`, async (t) => {
    const random = dice(seed)
    const leader = poolOf(t, URLS)
    const walkers = [1, 2].map(async () => new Walker(await readyFollower(t, URLS), random))
    const all = await Promise.all(walkers)
    await leader.ready
    for (let step = 0; step < 2000; step++) {
      const walker = all[Math.floor(random() * all.length)] as Walker
      walker.step()
      if (random() < 0.1) tell(leader, walker)
      if (random() < 0.01) {
        for (const each of all) tell(leader, each)
        assertSum(
          figures(leader),
          all.map(({ pool }) => figures(pool)),
        )
      }
    }
    for (const each of all) tell(leader, each)
    assertSum(await series(leader), await Promise.all(all.map(({ pool }) => series(pool))))
    assert.equal(leader.stats().quantiles?.count, Math.min(1024, answers(leader)))
  })

function tell(leader: Pool, walker: Walker): void {
  const counts = walker.pool.takeCounts()
  if (counts) leader.count(sent(counts), walker)
}

function answers(pool: Pool): number {
  return pool.workers.reduce(
    (sum, { outcomes }) => sum + outcomes['2xx'] + outcomes['3xx'] + outcomes['4xx'] + outcomes['5xx'],
    0,
  )
}
