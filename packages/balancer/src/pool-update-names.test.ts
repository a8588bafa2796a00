import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { heldProbe, poolOf, settled, somebody } from '../test/support/fakes.ts'
import { isSettled, load, picked, recorded } from '../test/support/loads.ts'
import { readOpenMetrics, valueOf } from '../test/support/open-metrics.ts'
import type { Pool } from './pool.ts'
import type { WorkerSpec } from './worker.ts'

const [A, B] = ['localhost:3001', 'localhost:3002']
const [urlA, urlB] = [`http://${A}`, `http://${B}`]
const ids = (pool: Pool): string[] => pool.workers.map(({ id }) => id)

async function readyPool(t: TestContext, of: number | readonly WorkerSpec[] = 2): Promise<Pool> {
  const pool = poolOf(t, of)
  await pool.ready
  return pool
}

suite('a name that is given to another URL', () => {
  const [before, after] = [
    [{ url: urlA, name: 'blue' }, urlB],
    [{ url: 'http://localhost:4001', name: 'blue' }, urlB],
  ]

  test("is another worker's: the old one leaves the list at once, and ends what it carries", async (t) => {
    const pool = await readyPool(t, before)
    const events = recorded(pool)
    const [old] = pool.workers
    const [one] = load(pool, 'blue')
    const { added, removed, kept, drained } = pool.update(after)
    assert.deepEqual([added, removed, kept], [['blue'], ['blue'], [B]])
    assert.deepEqual(ids(pool), [B, 'blue'])
    assert.notEqual(pool.workers[1], old)
    assert.equal(pool.workers[1]?.port, 4001)
    assert.equal(await isSettled(drained), false)
    assert.equal(one?.isCut, false)
    one?.finish()
    assert.deepEqual(await drained, [{ id: 'blue', cut: 0, calledOff: false }])
    assert.deepEqual(ids(pool), [B, 'blue'])
    assert.deepEqual([old?.inFlight, old?.outcomes['2xx']], [0, 1])
    assert.deepEqual(
      events.filter((event) => !event.startsWith('drain')),
      ['removed blue', 'added blue'],
    )
  })

  test('starts anew: its counts, its health, and what the metrics tell of it', async (t) => {
    const pool = await readyPool(t, before)
    const [old] = pool.workers
    const late = [pool.acquire(somebody), pool.acquire(somebody)]
    pool.update(after)
    const [, blue] = pool.workers
    assert.deepEqual([blue?.requests, blue?.inFlight, blue?.alive], [0, 0, false])
    for (const lease of late) lease?.release(200)
    assert.equal(old?.requests, 1)
    const samples = readOpenMetrics(await pool.metrics.openMetrics())
    const count = 'rondo_worker_request_duration_seconds_count'
    assert.ok(
      samples.every(
        ({ name, labels, value }) => name !== count || labels['worker'] !== 'blue' || value === 0,
      ),
      'the old one is not observed as the new',
    )
    assert.equal(valueOf(samples, count, { worker: B }), 1)
    assert.match(pool.metrics.plain(), /^worker_blue_requests 0$/m)
  })

  test('cuts the old one after the time', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t, before)
    const [one] = load(pool, 'blue')
    const { drained } = pool.update(after, { drain: { timeout: 100 } })
    t.mock.timers.tick(100)
    assert.deepEqual(await drained, [{ id: 'blue', cut: 1, calledOff: false }])
    assert.equal(one?.isCut, true)
  })

  test('is not called back by an update that wants the old URL again: that is a third worker', async (t) => {
    const pool = await readyPool(t, before)
    const [old] = pool.workers
    const [one] = load(pool, 'blue')
    pool.update(after)
    pool.update(before)
    await pool.poll()
    assert.equal(pool.workers.includes(old as never), false)
    assert.deepEqual(picked(pool), new Set(['blue', B]))
    assert.equal(old?.requests, 1, 'the old one gets nobody new')
    one?.finish()
    await settled()
    assert.deepEqual(ids(pool), [B, 'blue'])
  })
})

// In the plain view the names of workers are shortened, and may meet though their ids differ.
suite('a worker whose name in the metrics is that of one on its way out', () => {
  for (const [what, before, after] of [
    ['by another name', { url: urlA, name: 'a b' }, { url: urlB, name: 'a_b' }],
    ['by its port', urlA, { url: 'http://other.test', name: '3001' }],
    ['by the port of the new one', { url: urlA, name: '4001' }, 'http://localhost:4001'],
  ] satisfies [string, WorkerSpec, WorkerSpec][])
    test(`leaves the metrics whole: ${what}`, async (t) => {
      const pool = await readyPool(t, [before])
      const [one] = load(pool, pool.workers[0]?.id ?? '')
      const { drained } = pool.update([after])
      assert.doesNotThrow(() => pool.metrics.plain())
      readOpenMetrics(await pool.metrics.openMetrics())
      one?.finish()
      await drained
      assert.equal(pool.workers.length, 1)
      assert.doesNotThrow(() => pool.metrics.plain())
    })
})

suite('an update changes nothing when', () => {
  for (const [what, list, message] of [
    ['it is empty', [], /^workers: \[\] names no worker; give at least one, as "http:\/\/host:port"/],
    ['it is no list', urlA as never, /^workers: "http:\/\/localhost:3001" names no worker; /],
    [
      'a worker is there twice',
      ['http://c.test', 'http://c.test'],
      /^workers: "c\.test:80" is there twice; /,
    ],
    [
      'a name is there twice',
      [
        { url: 'http://c.test', name: 'x' },
        { url: 'http://d.test', name: 'x' },
      ],
      /^workers: "x" is there twice; /,
    ],
    ['a URL is none', ['http://c.test', 'nowhere'], /^workers\[1\]: "nowhere" is not a URL; write it as/],
    ['a weight is none', [{ url: urlA, weight: 0 }], /^workers\[0\]\.weight: 0 is not a weight; /],
    [
      'two names meet in the metrics',
      [
        { url: 'http://c.test', name: 'a b' },
        { url: 'http://d.test', name: 'a_b' },
      ],
      /would both be "a_b" in the metrics/,
    ],
  ] satisfies [string, readonly WorkerSpec[], RegExp][])
    test(what, async (t) => {
      const { calls, probe } = heldProbe()
      const pool = poolOf(t, [urlA, { url: urlB, weight: 2 }], { probe })
      for (const call of calls) call.pass()
      await pool.ready
      pool.acquire(somebody)?.release(200)
      const { workers } = pool
      const plain = pool.metrics.plain()
      const series = await pool.metrics.openMetrics()
      const events = recorded(pool)
      assert.throws(() => pool.update(list), { name: 'OptionError', message })
      assert.equal(pool.workers, workers)
      assert.deepEqual(
        workers.map(({ weight, draining }) => [weight, draining]),
        [
          [1, false],
          [2, false],
        ],
      )
      assert.equal(pool.metrics.plain(), plain)
      assert.equal(await pool.metrics.openMetrics(), series)
      assert.deepEqual(picked(pool), new Set([A, B]))
      assert.equal(calls.length, 2)
      assert.deepEqual(events, [])
    })

  test('its timeout is none', async (t) => {
    const pool = await readyPool(t)
    const { workers } = pool
    assert.throws(() => pool.update([urlA], { drain: { timeout: 0 } }), {
      message: /^drain.timeout: 0 is not a duration; /,
    })
    assert.equal(pool.workers, workers)
    assert.deepEqual(picked(pool), new Set([A, B]))
  })
})
