import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { BadGatewayError, GatewayTimeoutError, roundRobin } from '../../src/index.ts'
import { startApp, STEADY, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { deadPort } from '../support/listen.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { echo, startWorker } from '../support/workers.ts'

/** Nobody listens at these. */
async function deadWorkers(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, async () => `http://127.0.0.1:${await deadPort()}`))
}

/** Asks until the turn has come round to all workers, and the failing ones have had theirs. */
async function rounds(app: TestApp, ask: () => Promise<Response>): Promise<Response[]> {
  const answers: Response[] = []
  for (let i = 0; i < app.pool.workers.length * 2; i++) answers.push(await ask())
  return answers
}

/** Posts `body` in chunks, or with its length. */
function post(url: string, body: Buffer, isChunked: boolean): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = isChunked ? {} : { 'content-length': body.length }
    const req = request(url, { method: 'POST', headers }, (res) => {
      const parts: Buffer[] = []
      res.on('data', (part: Buffer) => void parts.push(part)).on('error', reject)
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: Buffer.concat(parts) }))
    })
    req.on('error', reject)
    Readable.from(slices(body, 64 * 1024)).pipe(req)
  })
}

function* slices(body: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

async function breaking(t: TestContext, end: (socket: Socket) => void): Promise<string> {
  return (await rawWorker(t, (socket) => end(socket))).url
}

/** Which requests go on to another worker, and which must not. */
export function failover(create: Create): void {
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PATCH'])
    test(`a refused connection moves a bodyless ${method} on`, async (t) => {
      const worker = await startWorker(t)
      const app = await startApp(t, [...(await deadWorkers(2)), worker.url], { forwarder: create() })
      for (const { status } of await rounds(app, () => fetch(`${app.url}/x`, { method })))
        assert.equal(status, 200, app.errors.map(String).join())
      assert.deepEqual(new Set(worker.requests), new Set([`${method} /x`]))
    })

  for (const isChunked of [false, true])
    test(`5 MB posted ${isChunked ? 'in chunks' : 'with their length'} arrive whole after two refused connections`, async (t) => {
      const worker = await startWorker(t, echo)
      const app = await startApp(t, [...(await deadWorkers(2)), worker.url], { forwarder: create() })
      const body = randomBytes(5_000_000)
      for (let i = 0; i < 3; i++) {
        const answer = await post(app.url, body, isChunked)
        assert.equal(answer.status, 200)
        assert.ok(answer.body.equals(body), 'the same bytes')
      }
      assert.equal(app.pool.metrics.failed, 0)
      assert.ok(app.pool.metrics.retries >= 3)
    })

  test('a connection that the system refuses at once moves a POST on', async (t) => {
    noCrashes(t)
    const worker = await startWorker(t, echo)
    const app = await startApp(t, ['http://255.255.255.255:9', worker.url], { forwarder: create() })
    for (let i = 0; i < 4; i++) {
      const answer = await post(app.url, Buffer.from('hello'), i % 2 === 0)
      assert.deepEqual([answer.status, answer.body.toString()], [200, 'hello'])
    }
    assert.ok(app.pool.metrics.retries >= 2)
  })

  for (const [how, end] of [
    ['ends', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    test(`a worker that ${how} the connection before the first byte loses what is idempotent to another`, async (t) => {
      const worker = await startWorker(t)
      const app = await startApp(t, [await breaking(t, end), worker.url], { forwarder: create() })
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
        for (const { status } of await rounds(app, () => fetch(app.url, { method })))
          assert.equal(status, 200)
      assert.ok(app.pool.metrics.retries >= 4)
      assert.equal(app.pool.metrics.failed, 0)
    })

    test(`a worker that ${how} the connection before the first byte may have done a POST: 502`, async (t) => {
      const worker = await startWorker(t)
      const app = await startApp(t, [await breaking(t, end), worker.url], { forwarder: create() })
      for (const body of ['x', ''])
        for (const method of ['POST', 'PATCH']) {
          const answers = await rounds(app, () => fetch(app.url, { method, body }))
          assert.deepEqual(
            answers.map(({ status }) => status).toSorted((a, b) => a - b),
            [200, 200, 502, 502],
          )
        }
      assert.equal(app.pool.metrics.retries, 0)
    })

    test(`a worker that ${how} the connection before the first byte may have used a GET's body: 502`, async (t) => {
      const worker = await startWorker(t, echo)
      const app = await startApp(t, [await breaking(t, end), worker.url], { forwarder: create() })
      const statuses: number[] = []
      for (let i = 0; i < 4; i++)
        statuses.push(
          await new Promise<number>((resolve, reject) => {
            const req = request(app.url, { method: 'GET', headers: { 'content-length': 2 } }, (res) => {
              res.resume().on('end', () => resolve(res.statusCode ?? 0))
            })
            req.on('error', reject).end('hi')
          }),
        )
      assert.deepEqual(
        statuses.toSorted((a, b) => a - b),
        [200, 200, 502, 502],
      )
    })
  }

  for (const bytes of ['H', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'])
    test(`nothing is retried once a worker has said ${JSON.stringify(bytes.slice(0, 20))}`, async (t) => {
      const worker = await startWorker(t)
      const bad = await rawWorker(t, (socket) => void socket.end(bytes))
      const app = await startApp(t, [bad.url, worker.url], { forwarder: create() })
      const ask = (): Promise<string> => fetch(app.url).then((answer) => answer.text(), String)
      const ends = await Promise.all(Array.from({ length: 4 }, () => ask().catch(String)))
      assert.equal(ends.filter((end) => end === 'w').length, 2)
      assert.equal(worker.requests.length, 2)
      assert.deepEqual([app.pool.metrics.retries, app.pool.metrics.failed], [0, 2])
    })

  test('a kept connection that a worker has closed costs a GET nothing', async (t) => {
    noCrashes(t)
    let answered = 0
    const bad = await rawWorker(t, (socket) => {
      if (++answered === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else socket.resetAndDestroy()
    })
    const worker = await startWorker(t)
    const app = await startApp(t, [bad.url, worker.url], { forwarder: create() })
    while (bad.requests.length < 2) assert.equal((await fetch(app.url)).status, 200)
    assert.equal(bad.sockets.length, 1, 'it was the kept one')
    assert.equal(app.pool.metrics.retries, 1)
  })

  test('a pool of one asks its worker once more, on a new connection, when a kept one was closed', async (t) => {
    const only = await rawWorker(t, (socket, { path }) => {
      const isFirst = only.requests.filter((request) => request.socket === socket).length === 1
      if (isFirst && path !== '/broken') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else socket.resetAndDestroy()
    })
    const app = await startApp(t, [only.url], { forwarder: create() })
    for (let i = 0; i < 4; i++) assert.equal((await fetch(app.url)).status, 200)
    assert.ok(app.pool.metrics.retries >= 1)
    const { retries } = app.pool.metrics
    const asked = only.requests.length
    assert.equal((await fetch(`${app.url}/broken`)).status, 502)
    assert.ok(only.requests.length <= asked + 2, 'a new connection that breaks is not replaced')
    assert.ok(app.pool.metrics.retries <= retries + 1)
  })

  test('attempts bounds the workers that a request is tried on', async (t) => {
    for (const [attempts, status] of [
      [1, 502],
      [2, 502],
      [3, 200],
    ] as const) {
      const worker = await startWorker(t)
      const random = (): number => 0
      const app = await startApp(t, [...(await deadWorkers(2)), worker.url], {
        pool: { ...STEADY, strategy: roundRobin({ random }), failover: { attempts } },
        forwarder: create(),
      })
      assert.equal((await fetch(app.url)).status, status)
      assert.equal(app.pool.metrics.retries, attempts - 1)
    }
  })

  test('no worker is tried twice by one request', async (t) => {
    const app = await startApp(t, await deadWorkers(3), {
      pool: { ...STEADY, failover: { attempts: 10 } },
      forwarder: create(),
    })
    assert.equal((await fetch(app.url)).status, 502)
    assert.deepEqual(
      app.pool.workers.map(({ requests }) => requests),
      [1, 1, 1],
    )
  })

  test('when all fail, the first real cause is told, and names no address to the client', async (t) => {
    const [dead = ''] = await deadWorkers(1)
    const app = await startApp(t, [dead], { forwarder: create() })
    const answer = await fetch(app.url, { headers: { accept: 'application/json' } })
    assert.equal(answer.status, 502)
    assert.deepEqual(await answer.json(), { error: 'the worker failed to answer', status: 502 })
    const [error] = app.errors
    assert.ok(error instanceof BadGatewayError)
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${new URL(dead).port}.*ECONNREFUSED`))
    assert.ok(!(error instanceof GatewayTimeoutError))
  })
}
