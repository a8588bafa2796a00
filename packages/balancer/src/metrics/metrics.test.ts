import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { poolOf, sickList, somebody } from '../../test/support/fakes.ts'
import { readOpenMetrics, readSample, valueOf } from '../../test/support/open-metrics.ts'
import type { Pool } from '../pool.ts'
import type { Outcome, StatusClass } from '../worker.ts'

const ODD = 'quote " backslash \\ newline \n {} = , é'

/** A pool on which all counts differ from one another. */
async function busyPool(t: TestContext): Promise<Pool> {
  const { sick, probe } = sickList()
  sick.add('localhost:3002')
  const pool = poolOf(
    t,
    ['http://localhost:3001', 'http://localhost:3002', { url: 'http://c.test', name: ODD }],
    {
      probe,
    },
  )
  await pool.ready
  const outcomes: Outcome[] = [101, 200, 204, 301, 404, 418, 499, 500, 'failed', 'failed', 'client-gone']
  for (const outcome of outcomes) pool.workers[0]?.lease().release(outcome)
  for (let i = 0; i < 3; i++) pool.workers[2]?.lease()
  Object.assign(pool.metrics, { total: 21, failed: 4, active: 3, unattempted: 8, retries: 1 })
  return pool
}

suite('the plain view', () => {
  test('is these lines in this order', async (t) => {
    const pool = poolOf(t, 3)
    await pool.ready
    for (let i = 0; i < 4; i++) pool.workers[1]?.lease()
    Object.assign(pool.metrics, { total: 4, failed: 2, active: 1 })
    assert.equal(
      pool.metrics.plain(),
      [
        'requests_total 4',
        'requests_failed 2',
        'requests_active 1',
        'worker_3001_alive 1',
        'worker_3002_alive 1',
        'worker_3003_alive 1',
        'worker_3001_requests 0',
        'worker_3002_requests 4',
        'worker_3003_requests 0',
        '',
      ].join('\n'),
    )
  })

  test('has a valid sample in every line, each name once, whatever workers are named', async (t) => {
    const pool = await busyPool(t)
    const text = pool.metrics.plain()
    assert.ok(text.endsWith('\n'))
    const names = text
      .slice(0, -1)
      .split('\n')
      .map((line) => readSample(line).name)
    assert.equal(new Set(names).size, 3 + 2 * 3)
  })

  test('shows who is alive as the poller sees it now', async (t) => {
    const { sick, probe } = sickList()
    const pool = poolOf(t, 1, { probe, fall: 1, rise: 1 })
    assert.match(pool.metrics.plain(), /^worker_3001_alive 0$/m)
    await pool.ready
    assert.match(pool.metrics.plain(), /^worker_3001_alive 1$/m)
    sick.add('localhost:3001')
    await pool.poll()
    assert.match(pool.metrics.plain(), /^worker_3001_alive 0$/m)
  })

  test('follows who comes and goes', (t) => {
    const pool = poolOf(t, 2)
    pool.add('http://b.test:3003')
    void pool.remove('localhost:3001')
    const names = pool.metrics.plain().match(/(?<=^worker_)\w+(?=_alive)/gm)
    assert.deepEqual(names, ['3002', '3003'])
  })
})

suite('the OpenMetrics view', () => {
  test('is well-formed, also for names that need escaping, and before anything happened', async (t) => {
    readOpenMetrics(await poolOf(t, 3).metrics.openMetrics())
    const samples = readOpenMetrics(await (await busyPool(t)).metrics.openMetrics())
    assert.equal(valueOf(samples, 'rondo_worker_in_flight', { worker: ODD }), 3)
  })

  test('has the counts of the plain view, however often it is asked', async (t) => {
    const pool = await busyPool(t)
    await pool.metrics.openMetrics()
    const samples = readOpenMetrics(await pool.metrics.openMetrics())
    const plain = new Map(
      pool.metrics
        .plain()
        .trim()
        .split('\n')
        .map(readSample)
        .map(({ name, value }) => [name, value]),
    )
    assert.equal(valueOf(samples, 'rondo_requests_total'), plain.get('requests_total'))
    assert.equal(valueOf(samples, 'rondo_requests_failed_total'), plain.get('requests_failed'))
    assert.equal(valueOf(samples, 'rondo_requests_active'), plain.get('requests_active'))
    assert.equal(valueOf(samples, 'rondo_requests_unattempted_total'), 8)
    assert.equal(valueOf(samples, 'rondo_retries_total'), 1)
    for (const [id, short] of [
      ['localhost:3001', '3001'],
      ['localhost:3002', '3002'],
      [ODD, ODD.replaceAll(/\W/g, '_')],
    ] as const) {
      const finished = samples
        .filter(({ name, labels }) => name === 'rondo_worker_requests_total' && labels['worker'] === id)
        .reduce((sum, { value }) => sum + value, 0)
      const inFlight = valueOf(samples, 'rondo_worker_in_flight', { worker: id })
      assert.equal(finished + inFlight, plain.get(`worker_${short}_requests`))
      assert.equal(valueOf(samples, 'rondo_worker_alive', { worker: id }), plain.get(`worker_${short}_alive`))
    }
  })

  test('counts attempts by worker and status class', async (t) => {
    const samples = readOpenMetrics(await (await busyPool(t)).metrics.openMetrics())
    const expected: Record<StatusClass, number> = {
      '1xx': 1,
      '2xx': 2,
      '3xx': 1,
      '4xx': 3,
      '5xx': 1,
      closed: 0,
      idle: 0,
      failed: 2,
      'client-gone': 1,
    }
    for (const [status, count] of Object.entries(expected))
      assert.equal(
        valueOf(samples, 'rondo_worker_requests_total', { worker: 'localhost:3001', status }),
        count,
        status,
      )
  })

  test('has a histogram of durations for each worker: of the answered attempts, in seconds', async (t) => {
    const pool = poolOf(t, 2, { strategy: (eligible) => eligible[1] })
    await pool.ready
    const begun = 1000
    const clock = t.mock.method(performance, 'now', () => begun)
    for (const [outcome, ms] of [
      [200, 0.5],
      [404, 40],
      [500, 700],
      [200, 45_000],
      [101, 90],
      ['failed', 90],
      ['client-gone', 90],
    ] as const) {
      clock.mock.mockImplementation(() => begun)
      const lease = pool.acquire(somebody)
      clock.mock.mockImplementation(() => begun + ms)
      lease?.release(outcome)
      lease?.release(outcome)
    }
    const samples = readOpenMetrics(await pool.metrics.openMetrics())
    const family = 'rondo_worker_request_duration_seconds'
    const worker = 'localhost:3002'
    assert.equal(valueOf(samples, `${family}_count`, { worker }), 4)
    assert.ok(Math.abs(valueOf(samples, `${family}_sum`, { worker }) - 45.7405) < 1e-6)
    for (const [le, count] of [
      ['0.001', 1],
      ['0.025', 1],
      ['0.05', 2],
      ['0.5', 2],
      ['1', 3], // prom-client writes 1 where OpenMetrics would like 1.0
      ['30', 3],
      ['+Inf', 4],
    ] as const)
      assert.equal(valueOf(samples, `${family}_bucket`, { worker, le }), count, le)
  })

  test('forgets a worker that was removed, and starts anew when it comes back', async (t) => {
    const pool = poolOf(t, 1)
    await pool.ready
    pool.acquire(somebody)?.release(200)
    const late = pool.acquire(somebody)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const ids = async (): Promise<unknown[]> => {
      const samples = readOpenMetrics(await pool.metrics.openMetrics())
      return samples.filter(({ labels }) => labels['worker'] !== undefined)
    }
    assert.notDeepEqual(await ids(), [])
    const removed = pool.remove('localhost:3001', { timeout: 1000 })
    t.mock.timers.tick(1000) // the late one does not heed its end
    await removed
    assert.deepEqual(await ids(), [])
    pool.add('http://localhost:3001')
    await pool.poll()
    late?.release(200)
    const again = pool.acquire(somebody)
    again?.release(200)
    const samples = readOpenMetrics(await pool.metrics.openMetrics())
    assert.equal(valueOf(samples, 'rondo_worker_request_duration_seconds_count'), 1)
  })

  test('of one pool does not show another', async (t) => {
    const [one, other] = [poolOf(t, 1), poolOf(t, ['http://other.test'])]
    assert.doesNotMatch(await one.metrics.openMetrics(), /other/)
    assert.doesNotMatch(await other.metrics.openMetrics(), /localhost/)
  })
})
