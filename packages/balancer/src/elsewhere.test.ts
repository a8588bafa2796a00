import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { poolOf, settled, specs } from '../test/support/fakes.ts'
import { acquire, readyFollower, sent } from '../test/support/following.ts'
import type { Pool } from './pool.ts'
import type { PoolOptions } from './pool-options.ts'
import type { Strategy } from './strategies/strategy.ts'

const inOrder: Strategy = (eligible) => eligible[0]

const A = 'localhost:3001'
const URL_A = 'http://localhost:3001/'

/** A leader and a follower of `count` workers, and `tell`, which takes what was counted from one to the other. */
async function pair(t: TestContext, count: number, options: PoolOptions = {}) {
  const leader = poolOf(t, count, { strategy: inOrder })
  await leader.ready
  const follower = await readyFollower(t, count, { strategy: inOrder, ...options })
  follower.takeCounts()
  const from = {}
  const tell = (): void => {
    const counts = follower.takeCounts()
    if (counts) leader.count(sent(counts), from)
  }
  return { leader, follower, from, tell, forget: () => leader.forget(from) }
}

const first = (pool: Pool) => pool.stats().workers[0] ?? assert.fail()

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
      acquire(leader, { received: 0, sent: 0, destroy() {} })
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
