import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldProbe, poolOf, settled, sickList, somebody } from '../test/support/fakes.ts'
import type { Pool } from './pool.ts'
import type { WorkerSpec } from './worker.ts'

const ids = (pool: Pool): string[] => pool.workers.map(({ id }) => id)

suite('a worker that is added', () => {
  test('is probed at once, and eligible from its first good probe', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 1, { probe })
    calls[0]?.fail(new Error('ill'))
    await pool.ready
    const worker = pool.add('http://b.test:3001')
    assert.deepEqual([calls.length, calls[1]?.worker], [2, worker])
    assert.equal(pool.acquire(somebody), undefined)
    calls[1]?.pass()
    await settled()
    assert.equal(pool.acquire(somebody)?.worker, worker)
  })

  test('is polled with the others from then on', async (t) => {
    const { sick, probe } = sickList()
    const pool = poolOf(t, 1, { probe, fall: 1 })
    await pool.ready
    const worker = pool.add('http://b.test:3001')
    await pool.poll()
    assert.equal(worker.alive, true)
    sick.add(worker.id)
    await pool.poll()
    assert.equal(worker.alive, false)
  })

  test('takes the last place, also when it comes back', async (t) => {
    const pool = poolOf(t, 2)
    await pool.ready
    const before = pool.workers[0]
    void pool.remove('localhost:3001')
    const after = pool.add('http://localhost:3001')
    assert.notEqual(before, after)
    assert.deepEqual(ids(pool), ['localhost:3002', 'localhost:3001'])
    assert.deepEqual(
      pool.workers.map(({ seq }) => seq),
      [1, 2],
    )
    assert.deepEqual([after.alive, after.requests], [false, 0])
  })

  for (const [what, spec, message] of [
    ['has an id that is there', 'http://LOCALHOST:3001', /^workers: "localhost:3001" is there twice; /],
    [
      'has a name that is there',
      { url: 'http://a.test', name: 'localhost:3002' },
      /^workers: "localhost:3002" is/,
    ],
    ['is no URL', 'nowhere', /^worker: "nowhere" is not a URL; write it as/],
    ['has a bad weight', { url: 'http://a.test', weight: -2 }, /^worker\.weight: -2 is not a weight; /],
    [
      'has the metric name of another',
      { url: 'http://a.test', name: '3002' },
      /would both be "3002" in the metrics/,
    ],
  ] satisfies [string, WorkerSpec, RegExp][])
    test(`is refused when it ${what}, and nothing is changed`, async (t) => {
      const { calls, probe } = heldProbe()
      const pool = poolOf(t, 2, { probe })
      for (const call of calls) call.pass()
      await pool.ready
      pool.on('added', () => assert.fail('nobody was added'))
      const plain = pool.metrics.plain()
      const series = await pool.metrics.openMetrics()
      assert.throws(() => pool.add(spec), { name: 'OptionError', message })
      assert.deepEqual(ids(pool), ['localhost:3001', 'localhost:3002'])
      assert.equal(calls.length, 2)
      assert.equal(pool.metrics.plain(), plain)
      assert.equal(await pool.metrics.openMetrics(), series)
      assert.ok(pool.acquire(somebody))
    })
})

suite('a worker that is removed', () => {
  test('is not chosen any more, and the others keep their ids, places and counts', async (t) => {
    const pool = poolOf(t, 3)
    await pool.ready
    for (let i = 0; i < 6; i++) pool.acquire(somebody)?.release(200)
    const [one, , three] = pool.workers
    void pool.remove('localhost:3002')
    assert.deepEqual(pool.workers, [one, three])
    assert.deepEqual(ids(pool), ['localhost:3001', 'localhost:3003'])
    assert.deepEqual([one?.requests, three?.requests], [2, 2])
    for (let i = 0; i < 6; i++) assert.notEqual(pool.acquire(somebody)?.worker.port, 3002)
  })

  test('is not probed any more; a probe that is out is aborted and does not count', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 2, { probe })
    const [worker] = pool.workers
    pool.on('up', ({ id }) => assert.notEqual(id, 'localhost:3001'))
    void pool.remove('localhost:3001')
    assert.equal(calls[0]?.signal.aborted, true)
    calls[0]?.pass()
    calls[1]?.pass()
    await pool.ready
    assert.equal(worker?.alive, false)
    void pool.poll()
    assert.deepEqual(
      calls.slice(2).map((call) => call.worker.port),
      [3002],
    )
  })

  test('may end what it has in flight', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    const lease = pool.acquire(somebody)
    const removed = pool.remove('localhost:3001')
    assert.deepEqual(ids(pool), ['localhost:3001'], 'its counts are there while they change')
    assert.equal(pool.acquire(somebody), undefined)
    lease?.release(200)
    await removed
    assert.deepEqual(ids(pool), [])
    assert.deepEqual([lease?.worker.inFlight, lease?.worker.outcomes['2xx']], [0, 1])
    assert.doesNotMatch(await pool.metrics.openMetrics(), /localhost:3001/)
  })

  test('may be the last one: the pool is empty then, and takes others in', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    void pool.remove('localhost:3001')
    assert.deepEqual(pool.workers, [])
    assert.equal(pool.acquire(somebody), undefined)
    pool.add('http://b.test')
    await pool.poll()
    assert.equal(pool.acquire(somebody)?.worker.id, 'b.test:80')
  })

  test('is an error when nobody has its id, which names those who are there; nothing is changed', async (t) => {
    const pool = poolOf(t, 2)
    pool.on('removed', () => assert.fail('nobody was removed'))
    await assert.rejects(pool.remove('3001'), {
      name: 'OptionError',
      message: 'id: "3001" is no worker of this pool; use one of: localhost:3001, localhost:3002',
    })
    for (const { id } of pool.workers) {
      pool.removeAllListeners('removed')
      await pool.remove(id)
    }
    await assert.rejects(pool.remove('x'), {
      message: 'id: "x" is no worker of this pool; use one of: (none)',
    })
  })
})
