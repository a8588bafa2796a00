import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import { createFollower, createPool, loadBalance, renderMetrics, type Pool } from '../src/index.ts'
import { somebody } from './support/fakes.ts'
import { sent } from './support/following.ts'
import { lastly } from './support/lastly.ts'
import { listen } from './support/listen.ts'
import { readOpenMetrics, valueOf } from './support/open-metrics.ts'
import { trusted } from './support/tls-workers.ts'
import { until } from './support/until.ts'
import { startWorkers } from './support/workers.ts'

const HEALTH = { schedule: '0 0 0 1 1 *', fall: 1 } // polled by hand

interface Serving {
  readonly pool: Pool
  readonly url: string
}

/** A pool that polls, and two that follow it behind servers of their own; what they say to one another goes as JSON. */
async function startFleet(t: TestContext, urls: readonly string[]) {
  const options = { ...trusted(), health: HEALTH }
  const leader = createPool(urls, options)
  const servings = await Promise.all([1, 2].map(() => startServing(t, urls, options, leader)))
  for (const event of ['up', 'down'] as const)
    leader.on(event, () => {
      for (const { pool } of servings) pool.heed(sent(leader.verdicts()))
    })
  t.after(() => leader.close({ timeout: 1 }))
  await leader.ready
  return { leader, servings }
}

async function startServing(
  t: TestContext,
  urls: readonly string[],
  options: object,
  leader: Pool,
): Promise<Serving> {
  const from = {}
  const pool: Pool = createFollower(urls, options, () => {
    isDue ??= setImmediate(tell)
  })
  let isDue: NodeJS.Immediate | undefined
  function tell(): void {
    isDue = undefined
    const counts = pool.takeCounts()
    if (counts) leader.count(sent(counts), from)
  }
  const balance = loadBalance(pool)
  const port = await listen(
    t,
    createServer((req, res) => void balance(req, res)),
  )
  t.after(async () => {
    await balance.close({ timeout: 1 })
    await pool.close({ timeout: 1 })
  })
  lastly(t, () => until('all that was counted is told', () => isDue === undefined))
  return { pool, url: `http://127.0.0.1:${port}` }
}

async function ask({ url }: Serving, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const answer = await fetch(url)
    assert.equal(answer.status, 200)
    await answer.text()
  }
}

/** Who is picked, in so many picks. */
function picked(pool: Pool, times = 6): Set<string> {
  const ids = new Set<string>()
  for (let i = 0; i < times; i++) {
    const lease = pool.acquire(somebody) ?? assert.fail('nobody was picked')
    ids.add(lease.worker.id)
    lease.release('client-gone')
  }
  return ids
}

test('two followers serve what a leader has found well, and it knows all that they count', async (t) => {
  const workers = await startWorkers(t, 3)
  const { leader, servings } = await startFleet(
    t,
    workers.map(({ url }) => url),
  )
  await Promise.all(servings.flatMap((serving) => [ask(serving, 100), ask(serving, 100)]))
  await until('all is over', () => leader.metrics.total === 400 && leader.metrics.active === 0)
  assert.equal(
    workers.reduce((sum, { requests }) => sum + requests.length, 0),
    400,
  )

  const { contentType, body } = await renderMetrics(
    () => new Map([['all', leader]]),
    'application/openmetrics-text',
    [
      {
        name: 'rondo_processes',
        type: 'gauge',
        help: 'Processes that serve',
        values: [{ labels: {}, value: 2 }],
      },
    ],
  )
  assert.match(contentType, /^application\/openmetrics-text/)
  const samples = readOpenMetrics(body)
  assert.equal(valueOf(samples, 'rondo_processes'), 2)
  assert.equal(valueOf(samples, 'rondo_requests_total', { pool: 'all' }), 400)
  for (const [i, { id, requests }] of leader.workers.entries()) {
    const of = { worker: id, pool: 'all' }
    assert.equal(requests, workers[i]?.requests.length)
    assert.equal(valueOf(samples, 'rondo_worker_requests_total', { ...of, status: '2xx' }), requests)
    assert.equal(valueOf(samples, 'rondo_worker_request_duration_seconds_count', of), requests)
    assert.equal(
      requests,
      servings.reduce((sum, { pool }) => sum + (pool.workers[i]?.requests ?? 0), 0),
    )
  }
})

test('a worker that dies is picked by no follower from the next pick after the verdict on', async (t) => {
  const workers = await startWorkers(t, 3)
  const { leader, servings } = await startFleet(
    t,
    workers.map(({ url }) => url),
  )
  await Promise.all(servings.map((serving) => ask(serving, 10)))
  const [ill] = leader.workers
  assert.ok(ill)
  const down = new Promise<void>((resolve) => {
    leader.once('down', () => {
      for (const { pool } of servings) assert.ok(!picked(pool).has(ill.id))
      resolve()
    })
  })
  ;(workers[0] ?? assert.fail()).health = 503
  await leader.poll()
  await down
  const before = workers[0]?.requests.length
  await Promise.all(servings.map((serving) => ask(serving, 10)))
  assert.equal(workers[0]?.requests.length, before)
  for (const { pool } of servings) assert.deepEqual(pool.verdicts(), leader.verdicts())
})
