import assert from 'node:assert/strict'
import { test } from 'node:test'
import express from 'express'
import { HttpError } from '../src/index.ts'
import { startApp } from './support/app.ts'
import { rawClient } from './support/raw-client.ts'
import { mirror, startWorker } from './support/workers.ts'

const json = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
const before = (app: express.Express): void => void app.use(express.json())

test('a body that express.json() has read is answered 500 at once, by an error that says what to do', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startApp(t, [worker.url], { before })
  const answer = await fetch(app.url, json)
  assert.equal(answer.status, 500)
  const [error] = app.errors
  assert.ok(error instanceof HttpError)
  assert.match(error.message, /mount loadBalance before express\.json\(\)/)
  assert.deepEqual(worker.requests, [])
  assert.equal(app.pool.metrics.total, 0)
})

test('behind express.json(), what it leaves alone still works', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startApp(t, [worker.url], { before })
  assert.equal((await fetch(app.url)).status, 200)
  assert.equal((await fetch(app.url, { method: 'DELETE' })).status, 200)
  const text = await fetch(app.url, {
    method: 'POST',
    body: 'plain',
    headers: { 'content-type': 'text/plain' },
  })
  assert.deepEqual([text.status, ((await text.json()) as { length: number }).length], [200, 5])
  const client = await rawClient(
    t,
    app.port,
    'POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n',
  )
  assert.equal((await client.response()).status, 200)
})

test('in front of express.json(), the body goes to the worker whole', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startApp(t, [worker.url])
  const answer = await fetch(app.url, json)
  assert.equal(((await answer.json()) as { length: number }).length, 7)
})

test('a middleware that takes its time before it hands the body on loses none of it', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startApp(t, [worker.url], {
    before: (app) => void app.use((_req, _res, next) => void setTimeout(next, 30)),
  })
  const answer = await fetch(app.url, { method: 'POST', body: 'x'.repeat(500_000) })
  assert.equal(((await answer.json()) as { length: number }).length, 500_000)
})

test('an error of the app between two requests of one connection stays its own', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startApp(t, [worker.url], {
    before: (app) => void app.use('/mine', (_req, res) => void res.status(418).end()),
  })
  const client = await rawClient(t, app.port)
  for (const [path, status] of [
    ['/x', 200],
    ['/mine', 418],
    ['/x', 200],
  ] as const) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    assert.equal((await client.response()).status, status)
  }
})
