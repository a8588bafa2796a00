import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { poolOf, settled, somebody, specs } from '../test/support/fakes.ts'
import * as following from '../test/support/following.ts'
import { sent } from '../test/support/following.ts'
import type { Counts } from './counts.ts'
import type { Pool } from './pool.ts'
import type { PoolOptions } from './pool-options.ts'
import type { Strategy } from './strategies/strategy.ts'
import type { Lease } from './worker.ts'

const inOrder: Strategy = (eligible) => eligible[0]

function readyFollower(
  t: TestContext,
  of: number | readonly string[],
  options: PoolOptions = {},
  onCounted?: () => void,
): Promise<Pool> {
  return following.readyFollower(t, of, { strategy: inOrder, ...options }, onCounted)
}

const A = 'localhost:3001'
const URL_A = 'http://localhost:3001/'

function acquire(pool: Pool, ...rest: [tried?: Set<never>, carrier?: Bytes]): Lease {
  return pool.acquire(somebody, ...rest) ?? assert.fail('nobody was picked')
}

interface Bytes {
  received: number
  sent: number
  destroy(): void
}

/** A leader and a follower of `count` workers, and `tell`, which takes what was counted from one to the other. */
async function pair(t: TestContext, count: number, options: PoolOptions = {}) {
  const leader = poolOf(t, count, { strategy: inOrder })
  await leader.ready
  const follower = await readyFollower(t, count, options)
  follower.takeCounts()
  const from = {}
  const tell = (): void => {
    const counts = follower.takeCounts()
    if (counts) leader.count(sent(counts), from)
  }
  return { leader, follower, from, tell, forget: () => leader.forget(from) }
}

const first = (pool: Pool) => pool.stats().workers[0] ?? assert.fail()

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
    const lease = acquire(pool, undefined, carrier)
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
    const pool: Pool = await readyFollower(t, 1, {}, () => seen.push(pool.takeCounts()))
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

suite('a leader', () => {
  test('has in flight what it and others carry, and latency, quantiles and totals of all', async (t) => {
    const { leader, follower, tell } = await pair(t, 1)
    const own = acquire(leader)
    const others = acquire(follower)
    tell()
    assert.equal(first(leader).inFlight, 2)
    assert.equal(first(leader).latency, 0)
    others.release(200)
    tell()
    own.release(200)
    const { inFlight, attempts, outcomes, quantiles, latency } = first(leader)
    assert.deepEqual([inFlight, attempts, outcomes['2xx'], quantiles?.count], [0, 2, 2, 2])
    assert.ok(latency > 0)
  })

  test('waits with a drain until what others carry is over', async (t) => {
    const { leader, follower, tell } = await pair(t, 2)
    const lease = acquire(follower)
    tell()
    let isOver = false
    const drained = leader.drain(A).then((report) => {
      isOver = true
      return report
    })
    await settled()
    assert.equal(isOver, false)
    lease.release(200)
    await settled()
    assert.equal(isOver, false, 'nobody has told it')
    tell()
    assert.deepEqual(await drained, { id: A, cut: 0, calledOff: false })
  })

  for (const way of ['remove', 'close'] as const)
    test(`${way}s no worker that others still ask something, until the timeout`, async (t) => {
      const { leader, follower, tell } = await pair(t, 1)
      acquire(follower)
      acquire(leader, undefined, { received: 0, sent: 0, destroy() {} })
      tell()
      const reports =
        way === 'close' ? await leader.close({ timeout: 20 }) : [await leader.remove(A, { timeout: 20 })]
      assert.deepEqual(reports, [{ id: A, cut: 2, calledOff: false }])
    })

  test('ignores counts of workers that it has not, or has under another URL', async (t) => {
    const { leader, from } = await pair(t, 1)
    const counts = { attempts: 3, outcomes: { '2xx': 2 }, durations: [1, 2] }
    leader.count({ workers: [{ id: 'stranger', url: URL_A, ...counts }] }, from)
    leader.count({ workers: [{ id: A, url: 'http://localhost:9/', ...counts }] }, from)
    assert.deepEqual([first(leader).attempts, first(leader).inFlight], [0, 0])
  })

  test('counts nothing on a worker that came back since that was begun', async (t) => {
    const { leader, follower, tell } = await pair(t, 2)
    const lease = acquire(follower)
    tell()
    await leader.remove(A, { timeout: 1 })
    leader.update(specs(2))
    lease.release(200)
    tell()
    const back = leader.stats().workers.find(({ id }) => id === A)
    assert.deepEqual([back?.attempts, back?.inFlight, back?.outcomes['2xx']], [0, 0, 0])
  })

  test('counts all that was begun on one that came back, whatever ends beside it', async (t) => {
    const { leader, follower, tell } = await pair(t, 2)
    const before = [acquire(follower), acquire(follower), acquire(follower)]
    tell()
    await leader.remove(A, { timeout: 1 })
    leader.update(specs(2))
    const since = [acquire(follower), acquire(follower)]
    for (const lease of before) lease.release(200)
    tell()
    for (const lease of since) lease.release(200)
    tell()
    const back = leader.stats().workers.find(({ id }) => id === A)
    assert.deepEqual([back?.attempts, back?.inFlight, back?.outcomes['2xx']], [2, 0, 2])
  })

  test('shows the worst state of a breaker that a worker has anywhere', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { leader, follower, from, tell, forget } = await pair(t, 1, {
      breaker: { failures: 1, open: 1000 },
    })
    acquire(follower).release('failed')
    tell()
    assert.equal(first(leader).breaker, 'open')
    leader.count({ workers: [{ id: A, url: URL_A, breaker: 'half-open' }] }, {})
    assert.equal(first(leader).breaker, 'open')
    t.mock.timers.tick(1000)
    tell()
    assert.equal(first(leader).breaker, 'half-open')
    assert.ok(from)
    acquire(follower).release(200)
    tell()
    assert.equal(first(leader).breaker, 'half-open', "the other's still is")
    acquire(follower).release('failed')
    tell()
    forget()
    assert.equal(first(leader).breaker, 'half-open')
  })

  test('learns that a breaker is gone with the options of its pool', async (t) => {
    const { leader, follower, tell } = await pair(t, 1, { breaker: { failures: 1 } })
    acquire(follower).release('failed')
    tell()
    follower.update(specs(1), { strategy: inOrder })
    tell()
    assert.equal(first(leader).breaker, 'closed')
  })
})

suite('when a process is gone', () => {
  test('its requests that waited for a worker were never attempted', async (t) => {
    const { leader, follower, tell, forget } = await pair(t, 1)
    for (let i = 0; i < 2; i++) follower.metrics.begin()
    acquire(follower)
    tell()
    forget()
    const { requests, workers } = leader.stats()
    assert.deepEqual(requests, { ...requests, total: 2, active: 0, failed: 2, unattempted: 1 })
    assert.equal(workers[0]?.attempts, 1)
  })

  test('its attempts are client-gone, its requests failed, and all that it has counted stays', async (t) => {
    const { leader, follower, tell, forget } = await pair(t, 2)
    for (let i = 0; i < 3; i++) follower.metrics.begin()
    acquire(follower).release(200)
    follower.metrics.end(1)
    acquire(follower)
    acquire(follower)
    tell()
    forget()
    forget()
    const { requests, workers } = leader.stats()
    assert.deepEqual(requests, { ...requests, total: 3, active: 0, failed: 2 })
    assert.deepEqual(
      workers.map(({ attempts, inFlight, outcomes }) => [attempts, inFlight, outcomes['client-gone']]),
      [
        [3, 0, 2],
        [0, 0, 0],
      ],
    )
  })

  test('a drain waits for it no longer', async (t) => {
    const { leader, follower, tell, forget } = await pair(t, 2)
    acquire(follower)
    tell()
    const drained = leader.drain(A)
    forget()
    assert.deepEqual(await drained, { id: A, cut: 0, calledOff: false })
  })

  test('what others have begun goes on', async (t) => {
    const { leader, follower, tell } = await pair(t, 1)
    acquire(follower)
    tell()
    const other = {}
    leader.count({ requests: { total: 1, active: 1 }, workers: [{ id: A, url: URL_A, attempts: 1 }] }, other)
    leader.forget(other)
    assert.equal(first(leader).inFlight, 1)
    assert.equal(leader.metrics.active, 0)
  })
})
