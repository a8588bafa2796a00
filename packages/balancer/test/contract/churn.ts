import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { Pool, WorkerSpec } from '../../src/index.ts'
import { startApp, STEADY, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { INVARIANT_LISTENERS } from '../support/invariants.ts'
import { nothingLeft, resources } from '../support/resources.ts'
import { until } from '../support/until.ts'
import { echo, startWorkers, type TestWorker } from '../support/workers.ts'

const CLIENTS = 20
const CHANGES = 60
const BODY = 'a small body'

/** One request over a connection that its client keeps; GETs and small POSTs. */
function ask(url: string, agent: Agent, isPost: boolean): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request(url, { agent, method: isPost ? 'POST' : 'GET' }, (res) => {
      let body = ''
      res.setEncoding('latin1').on('data', (data: string) => void (body += data))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body })).on('error', reject)
    })
    req.on('error', reject).end(isPost ? BODY : undefined)
  })
}

interface Load {
  readonly answers: number
  /** What was not as it should be. */
  readonly wrong: readonly string[]
  stop(): Promise<void>
}

/** Clients that ask one request after the other until they are stopped. */
function load(app: TestApp): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  const wrong: string[] = []
  let answers = 0
  const run = { goesOn: true }
  const clients = Array.from({ length: CLIENTS }, async (_, i) => {
    for (let n = i; run.goesOn; n++) {
      const isPost = n % 2 === 0
      const { status, body } = await ask(app.url, agent, isPost).catch((error) => ({
        status: 0,
        body: String(error),
      }))
      answers++
      if (status !== 200 || body !== (isPost ? BODY : '')) wrong.push(`${status} ${body}`)
    }
  })
  return {
    get answers() {
      return answers
    },
    wrong,
    async stop() {
      run.goesOn = false
      await Promise.all(clients)
      agent.destroy()
    },
  }
}

/** Attempts that were ever begun on the workers of a pool, those that have left too. */
function attempts(pool: Pool): () => number {
  let gone = 0
  pool.on('removed', ({ requests }) => void (gone += requests))
  return () => pool.workers.reduce((sum, { requests }) => sum + requests, gone)
}

function listeners(pool: Pool): number {
  return pool.eventNames().reduce((sum, name) => sum + pool.listenerCount(name as 'up'), 0)
}

type Change = (pool: Pool, workers: readonly TestWorker[], i: number) => void

const CHANGE: Record<string, Change> = {
  'added and removed one by one'(pool, workers, i) {
    const { url, port } = workers[1 + (i % (workers.length - 1))] as TestWorker
    const known = pool.workers.find((worker) => worker.port === port)
    if (!known) pool.add(url)
    else if (known.draining) pool.undrain(known.id)
    else void pool.remove(known.id)
  },
  'updated as a list'(pool, workers, i) {
    // The first stays; of the others each list has those whose bit is set.
    const list: WorkerSpec[] = workers
      .filter((_, k) => k === 0 || ((i * 7) >> (k - 1)) % 2 === 1)
      .map(({ url }) => ({ url, weight: 1 + (i % 3) }))
    pool.update(list)
  },
  'given new names'(pool, workers, i) {
    // Another name, or the same name for another URL: all but the first are other workers each time.
    const [first, ...others] = workers.map(({ url }) => url)
    pool.update([
      first ?? '',
      ...others.map((url, k) => ({ url, name: `w${(i + k) % (others.length + 1)}` })),
    ])
  },
}

/** A pool that changes under load loses no request, and leaves nothing behind. */
export function churn(create: Create): void {
  for (const [how, change] of Object.entries(CHANGE))
    test(`${CLIENTS} clients notice nothing of ${CHANGES} changes of workers that are ${how}`, async (t) => {
      noCrashes(t)
      const workers = await startWorkers(t, 5, echo)
      const app = await startApp(
        t,
        workers.map(({ url }) => url),
        { forwarder: create(), pool: STEADY },
      )
      await app.pool.ready
      const { pool } = app
      const before = listeners(pool)
      const begun = attempts(pool)
      const clients = load(app)
      for (let i = 0; i < CHANGES; i++) {
        change(pool, workers, i)
        const { answers } = clients
        await until('requests go on', () => clients.answers > answers + CLIENTS)
      }
      await clients.stop()
      assert.deepEqual(clients.wrong, [])
      await until('all on their way out have left', () => pool.workers.every(({ draining }) => !draining))
      const { total, unattempted, failed, active } = pool.metrics
      assert.equal(begun(), total - unattempted + pool.metrics.retries)
      assert.deepEqual([failed, active, unattempted, total], [0, 0, 0, clients.answers])
      assert.ok(pool.workers.every(({ inFlight }) => inFlight === 0))
      assert.equal(listeners(pool), before + 1, 'the one that counts here')
    })

  test('nothing is left of a balancer after such changes, once it is closed', async (t) => {
    const before = resources()
    await t.test('changes', (t) => churned(t, create))
    await nothingLeft(before)
  })
}

async function noConnections(workers: readonly TestWorker[]): Promise<boolean> {
  const counts = await Promise.all(
    workers.map(({ server }) => promisify(server.getConnections.bind(server))()),
  )
  return counts.every((count) => count === 0)
}

async function churned(t: TestContext, create: Create): Promise<void> {
  const workers = await startWorkers(t, 5, echo)
  for (const { server } of workers) server.keepAliveTimeout = 0 // who closes an idle connection is the balancer
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    { forwarder: create(), pool: { ...STEADY, keepAlive: { idle: 600_000 } } },
  )
  const clients = load(app)
  const change = CHANGE['updated as a list'] as Change
  for (let i = 0; i < CHANGES; i++) {
    change(app.pool, workers, i)
    const { answers } = clients
    await until('requests go on', () => clients.answers > answers + CLIENTS)
  }
  await clients.stop()
  const gone = workers.filter(({ port }) => !app.pool.workers.some((worker) => worker.port === port))
  assert.ok(gone.length > 0)
  await until('nobody is connected to who has left', () => noConnections(gone))
  assert.deepEqual(await app.balance.close(), { cut: 0 })
  assert.ok((await app.pool.close()).every(({ cut }) => cut === 0))
  await until('nobody is connected to any worker', () => noConnections(workers))
  assert.equal(listeners(app.pool), INVARIANT_LISTENERS)
}
