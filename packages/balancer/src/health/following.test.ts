import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { poolOf, settled, sickList, somebody, specs } from '../../test/support/fakes.ts'
import { followerOf, readyFollower, sent, verdicts } from '../../test/support/following.ts'
import type { Pool } from '../pool.ts'

const [A, B, C] = ['localhost:3001', 'localhost:3002', 'localhost:3003']

function listen(pool: Pool): string[] {
  const events: string[] = []
  pool.on('up', ({ id }, reason) => events.push(`up ${id}: ${reason}`))
  pool.on('down', ({ id }, reason) => events.push(`down ${id}: ${reason}`))
  return events
}

/** Who is picked, in so many picks that end well. */
function picked(pool: Pool, times = 6): string[] {
  const ids = new Set<string>()
  for (let i = 0; i < times; i++) {
    const lease = pool.acquire(somebody)
    if (lease) ids.add(lease.worker.id)
    lease?.release(200)
  }
  return [...ids].toSorted()
}

suite('a follower', () => {
  test('is ready when each worker has a verdict, be it a bad one', async (t) => {
    const pool = followerOf(t, 2)
    await settled()
    assert.equal(pool.isReady, false)
    pool.heed(verdicts(pool).slice(0, 1))
    await settled()
    assert.equal(pool.isReady, false)
    assert.deepEqual(picked(pool), [A])
    pool.heed(verdicts(pool, B))
    await pool.ready
    assert.deepEqual(picked(pool), [A])
  })

  test('goes by a verdict with the very next pick', async (t) => {
    const pool = await readyFollower(t, 2)
    assert.deepEqual(picked(pool), [A, B])
    pool.heed(verdicts(pool, A))
    assert.deepEqual(picked(pool), [B])
    pool.heed(verdicts(pool))
    assert.deepEqual(picked(pool), [A, B])
  })

  test('tells of what changes, with the reason, and of nothing else', async (t) => {
    const pool = followerOf(t, 2)
    const events = listen(pool)
    pool.heed(verdicts(pool, B))
    pool.heed(verdicts(pool, B))
    pool.heed(verdicts(pool, A))
    assert.deepEqual(events, [`up ${A}: well`, `down ${B}: sick`, `down ${A}: sick`, `up ${B}: well`])
  })

  test('ignores verdicts on workers that it has not, or has under another URL', async (t) => {
    const pool = await readyFollower(t, 2)
    const events = listen(pool)
    pool.heed([
      { id: 'stranger', url: 'http://localhost:3001/', alive: false, reason: 'sick' },
      { id: A, url: 'http://localhost:9999/', alive: false, reason: 'sick' },
    ])
    assert.deepEqual(events, [])
    assert.deepEqual(picked(pool), [A, B])
  })

  test('goes on when a listener throws', async (t) => {
    const pool = followerOf(t, 2)
    const thrown: unknown[] = []
    const mock = t.mock.method(globalThis, 'queueMicrotask', (task: () => void) => {
      try {
        task()
      } catch (error) {
        thrown.push(error)
      }
    })
    pool.on('up', () => {
      throw new Error('a listener')
    })
    pool.heed(verdicts(pool))
    mock.mock.restore()
    assert.equal(thrown.length, 2)
    assert.deepEqual(picked(pool), [A, B])
  })

  test('tells its own verdicts, those that it has', async (t) => {
    const pool = followerOf(t, 2)
    assert.deepEqual(pool.verdicts(), [])
    const [first] = verdicts(pool)
    assert.ok(first)
    pool.heed([first])
    assert.deepEqual(pool.verdicts(), [first])
  })

  test('shows the last verdict as the last probe, and counts how often it was told', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
    const pool = await readyFollower(t, 1)
    pool.heed(verdicts(pool))
    assert.deepEqual(pool.stats().workers[0]?.lastProbe, {
      at: 1_700_000_000_000,
      isWell: true,
      reason: 'well',
      streak: 2,
    })
  })

  test('probes nobody: poll is over at once', async (t) => {
    const { probe } = sickList()
    let probes = 0
    const pool = followerOf(t, 2, {
      health: {
        schedule: '* * * * * *',
        timeout: 100,
        probe: (...args) => {
          probes++
          return probe(...args)
        },
      },
    })
    await pool.poll()
    assert.equal(probes, 0)
    assert.ok(pool.retryAfter >= 1)
  })

  test('starts no timer', async (t) => {
    const timers = t.mock.method(globalThis, 'setTimeout')
    const intervals = t.mock.method(globalThis, 'setInterval')
    await readyFollower(t, 3, { health: { schedule: '* * * * * *', timeout: 100 } })
    assert.equal(timers.mock.callCount() + intervals.mock.callCount(), 0)
  })

  test('that is closed picks nobody, heeds nothing and keeps nobody waiting', async (t) => {
    const pool = followerOf(t, 2)
    const events = listen(pool)
    await pool.close()
    pool.heed(verdicts(pool))
    await pool.ready
    assert.deepEqual(events, [])
    assert.deepEqual(picked(pool), [])
  })
})

suite('a follower that is updated', () => {
  test('keeps its verdicts, also by other health options, and follows on', async (t) => {
    const pool = await readyFollower(t, 2)
    pool.heed(verdicts(pool, B))
    pool.update(specs(2), { health: { path: '/other' } })
    assert.deepEqual(picked(pool), [A])
    assert.deepEqual(pool.verdicts(), verdicts(pool, B))
    pool.heed(verdicts(pool))
    assert.deepEqual(picked(pool), [A, B])
  })

  test('by other health options before the first verdicts still waits for them', async (t) => {
    const pool = followerOf(t, 2)
    pool.update(specs(2), { health: { path: '/other' } })
    await settled()
    assert.equal(pool.isReady, false)
    pool.heed(verdicts(pool))
    await pool.ready
  })

  test('takes a new worker in with its first verdict', async (t) => {
    const pool = await readyFollower(t, 2)
    pool.update(specs(3))
    assert.deepEqual(picked(pool), [A, B])
    pool.heed(verdicts(pool))
    assert.deepEqual(picked(pool), [A, B, C])
  })

  test('waits for no verdict on a worker that has left', async (t) => {
    const pool = followerOf(t, 2)
    pool.heed(verdicts(pool).slice(0, 1))
    await pool.remove(B)
    await pool.ready
    assert.deepEqual(picked(pool), [A])
  })
})

suite('in a follower', () => {
  test('a worker that comes back starts slowly, if the pool says so; at the beginning none does', async (t) => {
    const pool = await readyFollower(t, 2, { slowStart: 60_000 })
    assert.deepEqual(
      pool.workers.map(({ weight }) => weight),
      [1, 1],
    )
    pool.heed(verdicts(pool, B))
    pool.heed(verdicts(pool))
    assert.deepEqual(
      pool.workers.map(({ weight }) => weight),
      [1, 0.1],
    )
  })

  test('a worker is drained as in others', async (t) => {
    const pool = await readyFollower(t, 2)
    const leases = [pool.acquire(somebody), pool.acquire(somebody)]
    const drained = pool.drain(A)
    pool.heed(verdicts(pool))
    assert.deepEqual(picked(pool), [B])
    for (const lease of leases) lease?.release(200)
    assert.deepEqual(await drained, { id: A, cut: 0, calledOff: false })
  })
})

suite('a leader', () => {
  test('tells the verdicts that stand, each with its reason', async (t) => {
    const { sick, probe } = sickList()
    sick.add(B)
    const leader = poolOf(t, 2, { probe, fall: 2 })
    assert.deepEqual(leader.verdicts(), [])
    await leader.ready
    const first = leader.verdicts()
    sick.add(A)
    await leader.poll()
    assert.deepEqual(leader.verdicts(), first, 'one bad probe is no verdict')
    await leader.poll()
    assert.deepEqual(sent(leader.verdicts()), [
      { id: A, url: 'http://localhost:3001/', alive: false, reason: 'sick, 2 probes in a row' },
      { id: B, url: 'http://localhost:3002/', alive: false, reason: 'sick' },
    ])
  })

  test('keeps the reasons when it polls otherwise', async (t) => {
    const leader = poolOf(t, 2)
    await leader.ready
    const before = leader.verdicts()
    leader.update(specs(2), { health: { schedule: '0 0 0 2 1 *', probe: () => new Promise(() => {}) } })
    assert.deepEqual(leader.verdicts(), before)
  })

  test('heeds nobody', (t) => {
    const leader = poolOf(t, 2)
    assert.throws(() => leader.heed(verdicts(leader)), {
      name: 'TypeError',
      message: /polls its workers itself/,
    })
  })
})
