import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { heldProbe, poolOf, settled, sickList, somebody } from '../test/support/fakes.ts'
import type { Pool } from './pool.ts'
import type { WorkerStats } from './stats.ts'
import type { FailureKind, Lease, Outcome } from './worker.ts'

const KINDS: readonly FailureKind[] = ['connect', 'request', 'response', 'timeout', 'other']
const OUTCOMES: readonly Outcome[] = [
  101,
  200,
  204,
  304,
  404,
  500,
  503,
  799,
  'closed',
  'idle',
  'failed',
  'client-gone',
]

const NO_OUTCOMES = {
  '1xx': 0,
  '2xx': 0,
  '3xx': 0,
  '4xx': 0,
  '5xx': 0,
  closed: 0,
  idle: 0,
  failed: 0,
  'client-gone': 0,
}
const NO_FAILURES = { connect: 0, request: 0, response: 0, timeout: 0, other: 0 }

const first = (pool: Pool): WorkerStats => pool.stats().workers[0] ?? assert.fail()
const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

function acquire(pool: Pool): Lease {
  return pool.acquire(somebody) ?? assert.fail('nobody was picked')
}

suite('the stats of a pool', () => {
  test('are these, before anything was asked of it', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
    const pool = poolOf(t, [{ url: 'http://a.test:81', name: 'a', weight: 3 }])
    await pool.ready
    assert.deepEqual(pool.stats(), {
      requests: { total: 0, failed: 0, active: 0, unattempted: 0, retries: 0, retriesDenied: 0 },
      eligible: 1,
      quantiles: undefined,
      workers: [
        {
          id: 'a',
          url: 'http://a.test:81',
          weight: 3,
          weightNow: 3,
          alive: true,
          draining: false,
          leaving: false,
          breaker: 'closed',
          inFlight: 0,
          attempts: 0,
          retries: 0,
          outcomes: NO_OUTCOMES,
          failures: NO_FAILURES,
          received: 0,
          sent: 0,
          latency: 0,
          quantiles: undefined,
          lastProbe: { at: 1_700_000_000_000, isWell: true, reason: 'probe succeeded', streak: 1 },
        },
      ],
    })
  })

  test('count each attempt by what became of it', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    for (const outcome of OUTCOMES) acquire(pool).release(outcome)
    acquire(pool)
    const { attempts, inFlight, outcomes } = first(pool)
    assert.deepEqual([attempts, inFlight], [OUTCOMES.length + 1, 1])
    assert.deepEqual(outcomes, {
      '1xx': 1,
      '2xx': 2,
      '3xx': 1,
      '4xx': 1,
      '5xx': 3,
      closed: 1,
      idle: 1,
      failed: 1,
      'client-gone': 1,
    })
  })

  test('count those that failed by how, and by that alone', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    for (const [i, kind] of KINDS.entries()) {
      for (let times = 0; times <= i; times++) acquire(pool).release('failed', kind)
      acquire(pool).release(503, kind)
      acquire(pool).release('client-gone', kind)
    }
    acquire(pool).release('failed')
    const { failures, outcomes } = first(pool)
    assert.deepEqual(failures, { connect: 1, request: 2, response: 3, timeout: 4, other: 6 })
    assert.equal(outcomes.failed, 16)
  })

  test('count an attempt once, however often it is released', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    const lease = acquire(pool)
    lease.release('failed', 'connect')
    lease.release('failed', 'timeout')
    lease.release(200)
    const { attempts, inFlight, outcomes, failures } = first(pool)
    assert.deepEqual([attempts, inFlight], [1, 0])
    assert.deepEqual(outcomes, { ...NO_OUTCOMES, failed: 1 })
    assert.deepEqual(failures, { ...NO_FAILURES, connect: 1 })
  })

  test('have the bytes of TCP connections, of those under way and of those that are over', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    const carrier = { destroy() {}, received: 0, sent: 0 }
    const lease = pool.acquire(somebody, undefined, carrier)
    Object.assign(carrier, { received: 5, sent: 7 })
    pool.acquire(somebody, undefined, { destroy() {}, received: 10, sent: 20 })?.release('closed')
    assert.deepEqual([first(pool).received, first(pool).sent], [15, 27])
    Object.assign(carrier, { received: 6, sent: 8 })
    lease?.release('client-gone')
    lease?.release('failed')
    assert.deepEqual([first(pool).received, first(pool).sent], [16, 28])
  })

  test('count as retries the attempts that are not the first of their request', async (t) => {
    const pool = poolOf(t, 2)
    await pool.ready
    const [one, other] = pool.workers
    assert.ok(one && other)
    pool.acquire(somebody, new Set([one]))?.release(200)
    pool.acquire(somebody, new Set([one]))?.release(200)
    pool.acquire(somebody)?.release(200)
    assert.deepEqual(
      pool.stats().workers.map(({ retries }) => retries),
      [0, 2],
    )
  })

  test('say who may be picked, and why others may not', async (t) => {
    const { sick, probe } = sickList()
    const pool = poolOf(t, 3, { probe, fall: 1 })
    await pool.ready
    const [ill, draining] = pool.workers
    sick.add(ill?.id ?? '')
    await pool.poll()
    void pool.drain(draining?.id ?? '')
    const { eligible, workers } = pool.stats()
    assert.equal(eligible, 1)
    assert.deepEqual(
      workers.map(({ alive, draining }) => [alive, draining]),
      [
        [false, false],
        [true, true],
        [true, false],
      ],
    )
  })

  test('say who is on its way out of the pool, and not merely draining', async (t) => {
    const pool = poolOf(t, 3)
    await pool.ready
    for (let i = 0; i < 3; i++) acquire(pool)
    const [one, other] = pool.workers.map(({ id }) => id)
    const leaving = (): boolean[] => pool.stats().workers.map((worker) => worker.leaving)
    void pool.drain(one ?? '')
    void pool.remove(other ?? '')
    assert.deepEqual(leaving(), [false, true, false])
    pool.undrain(other ?? '')
    assert.deepEqual(leaving(), [false, false, false])
  })

  test('tell what the last answers took: of each worker, and of all', async (t) => {
    const clock = t.mock.method(performance, 'now', () => 0)
    const pool = poolOf(t, 2)
    await pool.ready
    const take = (duration: number, outcome: Outcome): void => {
      clock.mock.mockImplementation(() => 0)
      const lease = acquire(pool)
      clock.mock.mockImplementation(() => duration)
      lease.release(outcome)
    }
    for (const outcome of [101, 'failed', 'client-gone'] as const) take(9999, outcome)
    assert.equal(pool.stats().quantiles, undefined, 'none of these is an answer')
    assert.deepEqual(
      pool.stats().workers.map(({ quantiles }) => quantiles),
      [undefined, undefined],
    )
    for (const duration of [4, 10, 20, 40]) take(duration, duration === 40 ? 500 : 200)
    const { quantiles, workers } = pool.stats()
    assert.deepEqual(quantiles, { count: 4, p50: 10, p90: 40, p99: 40, max: 40 })
    assert.deepEqual(
      workers.map(({ quantiles }) => quantiles?.max).toSorted((one = 0, other = 0) => one - other),
      [20, 40],
    )
  })

  test('stay as they are, whatever comes later', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    const lease = acquire(pool)
    const before = pool.stats()
    const copy = structuredClone(before)
    lease.release('failed', 'timeout')
    acquire(pool)
    pool.metrics.total++
    await pool.poll()
    void pool.drain(pool.workers[0]?.id ?? '')
    assert.deepEqual(before, copy)
    assert.notDeepEqual(pool.stats(), copy)
  })

  test('pass through JSON', async (t) => {
    const pool = poolOf(t, 2)
    await pool.ready
    acquire(pool).release(200)
    const { workers } = pool.stats()
    const written = JSON.parse(JSON.stringify(workers)) as WorkerStats[]
    assert.deepEqual(
      written.map(({ outcomes }) => outcomes),
      workers.map(({ outcomes }) => outcomes),
    )
  })
})

suite('the last probe of a worker', () => {
  test('is none before the first has ended', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 1, { probe })
    await settled()
    assert.equal(calls.length, 1)
    assert.equal(first(pool).lastProbe, undefined)
    calls[0]?.pass()
    await pool.ready
    assert.equal(first(pool).lastProbe?.isWell, true)
  })

  test('says when it was, how it ended and for the which time in a row', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1000 })
    const { sick, probe } = sickList()
    const pool = poolOf(t, 1, { probe, fall: 3, rise: 2 })
    await pool.ready
    const found: unknown[] = []
    for (const isWell of [true, false, false, true]) {
      t.mock.timers.tick(2000)
      if (isWell) sick.clear()
      else sick.add(pool.workers[0]?.id ?? '')
      await pool.poll()
      found.push(first(pool).lastProbe)
    }
    assert.deepEqual(found, [
      { at: 3000, isWell: true, reason: 'probe succeeded', streak: 2 },
      { at: 5000, isWell: false, reason: 'sick', streak: 1 },
      { at: 7000, isWell: false, reason: 'sick', streak: 2 },
      { at: 9000, isWell: true, reason: 'probe succeeded', streak: 1 },
    ])
    assert.equal(first(pool).alive, true, 'three in a row would have taken it out')
  })
})

test('the counts of attempts hold together, in whatever order they begin and end', async (t: TestContext) => {
  const pool = poolOf(t, 3)
  await pool.ready
  const step = fc.oneof(
    fc.record({
      begins: fc.constant(true),
      at: fc.nat(),
      outcome: fc.constant(0),
      kind: fc.constant(undefined),
    }),
    fc.record({
      begins: fc.constant(false),
      at: fc.nat(),
      outcome: fc.constantFrom(...OUTCOMES),
      kind: fc.option(fc.constantFrom(...KINDS), { nil: undefined }),
    }),
  )
  const leases: Lease[] = [] // of all runs: what is over may be released again at any time
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      for (const { begins, at, outcome, kind } of steps) {
        if (begins) leases.push(acquire(pool))
        else leases[at % leases.length]?.release(outcome, kind)
        for (const { attempts, inFlight, outcomes, failures } of pool.stats().workers) {
          for (const count of [inFlight, ...Object.values(outcomes), ...Object.values(failures)])
            assert.ok(Number.isInteger(count) && count >= 0)
          assert.equal(attempts, inFlight + sum(outcomes))
          assert.equal(sum(failures), outcomes.failed)
        }
      }
      const attempts = pool.stats().workers.reduce((total, worker) => total + worker.attempts, 0)
      assert.equal(attempts, leases.length)
    }),
  )
})
