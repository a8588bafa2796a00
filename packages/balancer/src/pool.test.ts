import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldProbe, poolOf, settled, sickList, somebody } from '../test/support/fakes.ts'
import type { Pool } from './pool.ts'
import type { Strategy } from './strategies/strategy.ts'
import type { Worker } from './worker.ts'

const ids = (pool: Pool): string[] => pool.workers.map(({ id }) => id)

function recorded(pool: Pool): string[] {
  const events: string[] = []
  pool.on('up', ({ id }, reason) => events.push(`up ${id}: ${reason}`))
  pool.on('down', ({ id }, reason) => events.push(`down ${id}: ${reason}`))
  pool.on('added', ({ id }) => events.push(`added ${id}`))
  pool.on('removed', ({ id }) => events.push(`removed ${id}`))
  return events
}

suite('a pool', () => {
  test('has its workers in the order they were given, none alive at first', (t) => {
    const pool = poolOf(t, ['http://b.test', { url: 'http://a.test', name: 'first' }])
    assert.deepEqual(ids(pool), ['b.test:80', 'first'])
    assert.ok(pool.workers.every((worker) => !worker.alive))
    assert.equal(pool.isReady, false)
  })

  test('chooses nobody before the first good probe', async (t) => {
    const pool = poolOf(t, 2)
    assert.equal(pool.acquire(somebody), undefined)
    await pool.ready
    assert.ok(pool.acquire(somebody))
  })

  test('chooses a worker as soon as that one is well, while others are still probed', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 3, { probe })
    calls[1]?.pass()
    await settled()
    assert.equal(pool.isReady, false)
    for (let i = 0; i < 3; i++) assert.equal(pool.acquire(somebody)?.worker.port, 3002)
  })

  test('chooses nobody when all are ill', async (t) => {
    const { sick, probe } = sickList()
    sick.add('localhost:3001')
    const pool = poolOf(t, 1, { probe })
    await pool.ready
    assert.equal(pool.acquire(somebody), undefined)
  })

  test('never chooses whom a request has tried, and nobody once it has tried all', async (t) => {
    const pool = poolOf(t, 3)
    await pool.ready
    const tried = new Set<Worker>()
    for (let i = 0; i < 3; i++) {
      const lease = pool.acquire(somebody, tried)
      assert.ok(lease && !tried.has(lease.worker))
      tried.add(lease.worker)
    }
    assert.equal(pool.acquire(somebody, tried), undefined)
    assert.ok(pool.acquire(somebody))
  })

  test('begins an attempt on whom it chooses', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    const lease = pool.acquire(somebody)
    assert.deepEqual([lease?.worker.requests, lease?.worker.inFlight], [1, 1])
    lease?.release(200)
    assert.equal(lease?.worker.inFlight, 0)
  })

  test('leaves liveness alone, whatever becomes of attempts', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    const events = recorded(pool)
    for (let i = 0; i < 20; i++) pool.acquire(somebody)?.release('failed')
    assert.equal(pool.workers[0]?.alive, true)
    assert.deepEqual(events, [])
  })

  test('asks a strategy of your own, for the client and the eligible by seq; undefined chooses nobody', async (t) => {
    const asked: Parameters<Strategy>[] = []
    const strategy: Strategy = (eligible, client) => {
      asked.push([eligible, client])
      return asked.length === 1 ? eligible[2] : undefined
    }
    const pool = poolOf(t, 3, { strategy })
    await pool.ready
    assert.equal(pool.acquire(somebody)?.worker.port, 3003)
    assert.equal(pool.acquire(somebody), undefined)
    assert.deepEqual(asked[0], [pool.workers, somebody])
    assert.equal(asked[0]?.[0], asked[1]?.[0], 'the list is the same array until it changes')
  })
})

suite('ready', () => {
  test('comes when each worker has had its first probe, and not before', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 2, { probe })
    calls[0]?.pass()
    await settled()
    assert.equal(pool.isReady, false)
    calls[1]?.fail(new Error('ill'))
    await pool.ready
    assert.equal(pool.isReady, true)
    assert.deepEqual(
      pool.workers.map((worker) => worker.alive),
      [true, false],
    )
  })

  test('comes at the deadline when probes hang', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = poolOf(t, 2, { probe: heldProbe().probe, timeout: 300 })
    t.mock.timers.tick(300)
    await pool.ready
    assert.equal(pool.acquire(somebody), undefined)
  })

  test('comes when the pool is closed before', async (t) => {
    const pool = poolOf(t, 2, { probe: heldProbe().probe })
    await pool.close()
    await pool.ready
  })

  test('does not wait for a worker that was added later', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 1, { probe })
    pool.add('http://late.test')
    calls[0]?.pass()
    await pool.ready
    assert.equal(pool.workers[1]?.alive, false)
  })
})

suite('the events of a pool', () => {
  test('tell each first verdict, and each change, with the reason', async (t) => {
    const { sick, probe } = sickList()
    sick.add('localhost:3002')
    const pool = poolOf(t, 2, { probe })
    const events = recorded(pool)
    await pool.ready
    assert.deepEqual(events.splice(0), ['up localhost:3001: probe succeeded', 'down localhost:3002: sick'])
    sick.add('localhost:3001').delete('localhost:3002')
    for (let i = 0; i < 5; i++) await pool.poll()
    assert.deepEqual(events, [
      'up localhost:3002: probe succeeded, 2 probes in a row',
      'down localhost:3001: sick, 3 probes in a row',
    ])
  })

  test('come when the pool already acts on them', async (t) => {
    const pool = poolOf(t, 1)
    let chosen: Worker | undefined
    pool.on('up', () => (chosen = pool.acquire(somebody)?.worker))
    await pool.ready
    assert.equal(chosen, pool.workers[0])
  })

  test('tell who was added and removed', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    const events = recorded(pool)
    pool.add({ url: 'http://b.test', name: 'b' })
    await pool.poll()
    await pool.remove('b')
    assert.deepEqual(events, ['added b', 'up b: probe succeeded', 'removed b'])
  })
})

test('a closed pool chooses nobody and probes nobody, whoever is added; attempts in flight may end', async (t) => {
  const { calls, probe } = heldProbe()
  const pool = poolOf(t, 1, { probe })
  calls[0]?.pass()
  await pool.ready
  const lease = pool.acquire(somebody)
  void pool.close()
  assert.equal(pool.acquire(somebody), undefined)
  pool.add('http://late.test')
  await pool.poll()
  assert.equal(calls.length, 1)
  lease?.release(200)
  assert.equal(pool.workers[0]?.inFlight, 0)
  void pool.close()
})

test('two pools of the same workers know nothing of one another', async (t) => {
  const { sick, probe } = sickList()
  sick.add('localhost:3001')
  const [one, other] = [poolOf(t, 1), poolOf(t, 1, { probe })]
  await Promise.all([one.ready, other.ready])
  assert.ok(one.acquire(somebody))
  assert.equal(other.acquire(somebody), undefined)
})
