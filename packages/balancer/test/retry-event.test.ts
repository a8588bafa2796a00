import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startApp, STEADY, type TestApp } from './support/app.ts'
import { listen } from './support/listen.ts'
import { createServer } from 'node:http'
import { startWorker } from './support/workers.ts'
import type { Worker } from '../src/worker.ts'

/** A worker that breaks off, one that answers 503 and one that is well; each request tries them in turn. */
async function scene(t: TestContext): Promise<TestApp> {
  const breaksOff = createServer((req) => void req.socket.destroy())
  const refuses = createServer((_req, res) => void res.writeHead(503).end())
  const ports = [await listen(t, breaksOff), await listen(t, refuses)]
  const well = await startWorker(t)
  const app = await startApp(t, [...ports.map((port) => `http://127.0.0.1:${port}`), well.url], {
    pool: {
      ...STEADY,
      strategy: (eligible) => eligible[0],
      failover: { attempts: 3, retryOn: ['503'] },
    },
  })
  await app.pool.ready
  return app
}

test('a retry is told with the worker that it goes to, and with what went wrong last', async (t) => {
  const app = await scene(t)
  const [first, second, third] = app.pool.workers
  const told: [Worker, unknown][] = []
  app.pool.on('retry', (worker, error) => told.push([worker, error]))
  assert.equal((await fetch(app.url)).status, 200)
  assert.deepEqual(
    told.map(([worker]) => worker),
    [second, third],
  )
  const [one, other] = told.map(([, error]) => (error as Error).message)
  assert.ok(one?.startsWith(`worker ${first?.id}: `), one)
  assert.ok(other?.startsWith(`worker ${second?.id}: `), other)
  const { requests, workers } = app.pool.stats()
  assert.deepEqual([requests.total, requests.retries, requests.failed, requests.active], [1, 2, 0, 0])
  assert.deepEqual(
    workers.map(({ attempts, retries }) => [attempts, retries]),
    [
      [1, 0],
      [1, 1],
      [1, 1],
    ],
  )
  assert.deepEqual(
    workers.map(({ outcomes, failures }) => [outcomes.failed, outcomes['5xx'], failures.request]),
    [
      [1, 0, 1],
      [0, 1, 0],
      [0, 0, 0],
    ],
  )
})

test('nobody is told of a request that needs no retry', async (t) => {
  const worker = await startWorker(t)
  const app = await startApp(t, [worker.url])
  app.pool.on('retry', () => assert.fail('there was none'))
  assert.equal((await fetch(app.url)).status, 200)
})

test('a listener that throws is seen as an uncaught error; the request goes on, and its attempt ends', async (t) => {
  const app = await scene(t)
  const later = t.mock.method(globalThis, 'queueMicrotask', (task: () => void) => {
    try {
      task()
    } catch (error) {
      thrown.push(error)
    }
  })
  const thrown: unknown[] = []
  app.pool.on('retry', () => {
    throw new Error('listener')
  })
  assert.equal((await fetch(app.url)).status, 200)
  later.mock.restore()
  assert.deepEqual(thrown.map(String), ['Error: listener', 'Error: listener'])
  assert.ok(app.pool.workers.every(({ inFlight }) => inFlight === 0))
})
