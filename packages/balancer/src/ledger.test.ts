import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { poolOf } from '../test/support/fakes.ts'
import { acquire, readyFollower as ready } from '../test/support/following.ts'
import type { Counts } from './counts.ts'
import type { Pool } from './pool.ts'
import type { Strategy } from './strategies/strategy.ts'

const inOrder: Strategy = (eligible) => eligible[0]

function readyFollower(
  t: TestContext,
  of: number | readonly string[],
  onCounted?: () => void,
): Promise<Pool> {
  return ready(t, of, { strategy: inOrder }, onCounted)
}

const A = 'localhost:3001'
const URL_A = 'http://localhost:3001/'

suite('what a follower has counted', () => {
  test('is nothing before anything has happened, and once it was taken', async (t) => {
    const pool = await readyFollower(t, 2)
    assert.equal(pool.takeCounts(), undefined)
    acquire(pool).release(200)
    assert.ok(pool.takeCounts())
    assert.equal(pool.takeCounts(), undefined)
  })

  test('is told without zeroes', async (t) => {
    const pool = await readyFollower(t, 2)
    pool.metrics.begin()
    acquire(pool)
    assert.deepEqual(pool.takeCounts(), {
      requests: { total: 1, active: 1 },
      workers: [{ id: A, url: URL_A, attempts: 1 }],
    } satisfies Counts)
    pool.metrics.end(0)
    assert.deepEqual(pool.takeCounts(), { requests: { active: -1, unattempted: 1 } })
  })

  test('has of each answer how long it took, in ms to a thousandth, and of upgrades and failures not', async (t) => {
    const pool = await readyFollower(t, 1)
    for (const outcome of [200, 503, 101, 'failed', 'client-gone'] as const) acquire(pool).release(outcome)
    const [counts] = pool.takeCounts()?.workers ?? []
    assert.equal(counts?.durations?.length, 2)
    for (const duration of counts.durations) assert.equal(duration, Math.round(duration * 1000) / 1000)
    assert.deepEqual(counts.failures, { other: 1 })
    assert.deepEqual(counts.outcomes, { '1xx': 1, '2xx': 1, '5xx': 1, failed: 1, 'client-gone': 1 })
  })

  test('has the bytes of connections under way, though nothing else has happened', async (t) => {
    const pool = await readyFollower(t, ['tcp://localhost:3001'])
    const carrier = { received: 0, sent: 0, destroy() {} }
    const lease = acquire(pool, carrier)
    lease.connected()
    assert.equal(pool.takeCounts()?.workers?.[0]?.connects?.length, 1)
    assert.equal(pool.takeCounts(), undefined)
    Object.assign(carrier, { received: 5, sent: 7 })
    assert.deepEqual(pool.takeCounts(), {
      workers: [{ id: A, url: 'tcp://localhost:3001', received: 5, sent: 7 }],
    })
    carrier.sent = 6 // Node drops what it could not write
    lease.release('closed')
    assert.deepEqual(pool.takeCounts(), {
      workers: [{ id: A, url: 'tcp://localhost:3001', sent: -1, outcomes: { closed: 1 } }],
    })
  })

  test('has what ends on a worker that has left', async (t) => {
    const pool = await readyFollower(t, 2)
    const lease = acquire(pool)
    pool.takeCounts()
    await pool.remove(A, { timeout: 1 })
    lease.release('client-gone')
    assert.deepEqual(pool.takeCounts(), { workers: [{ id: A, url: URL_A, outcomes: { 'client-gone': 1 } }] })
  })

  test('costs by who was touched, and not by who is there', async (t) => {
    const pool = await readyFollower(t, 500)
    acquire(pool).release(200)
    assert.equal(pool.takeCounts()?.workers?.length, 1)
  })

  test('is announced at once, with every change', async (t) => {
    const seen: (Counts | undefined)[] = []
    const pool: Pool = await readyFollower(t, 1, () => seen.push(pool.takeCounts()))
    pool.metrics.begin()
    acquire(pool).release('failed', 'connect')
    pool.metrics.end(1)
    assert.deepEqual(seen, [
      { requests: { total: 1, active: 1 } },
      { workers: [{ id: A, url: URL_A, attempts: 1 }] },
      { workers: [{ id: A, url: URL_A, outcomes: { failed: 1 }, failures: { connect: 1 } }] },
      { requests: { active: -1 } },
    ])
  })

  test('is nothing in a pool that polls itself', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    acquire(pool).release(200)
    assert.equal(pool.takeCounts(), undefined)
  })
})
