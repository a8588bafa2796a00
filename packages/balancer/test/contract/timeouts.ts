import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  GatewayTimeoutError,
  RequestTimeoutError,
  type FailoverOptions,
  type Timeouts,
} from '../../src/index.ts'
import { startApp, STEADY, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import { deafWorker } from '../support/faulty.ts'
import { head, type Create } from '../support/hostile.ts'
import { listenAsWorker } from '../support/tls-workers.ts'
import { header } from '../support/message.ts'
import { rawClient } from '../support/raw-client.ts'
import { rawWorker, type RawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { refusal } from '../support/web-sockets.ts'
import { startWorker } from '../support/workers.ts'

/** How long what must not be cut is watched, in ms: several times the limits it is held to. */
const LONG = 500
const ALL: Timeouts = { connect: 150, response: 150, idle: 150, body: 150, upgrade: 150 }

/** How long the parts of an exchange may take, and who gets the blame. */
export function timeouts(create: Create): void {
  const start = (
    t: TestContext,
    url: string,
    limits: Partial<Timeouts>,
    failover: FailoverOptions = {},
  ): Promise<TestApp> => {
    noCrashes(t)
    return startApp(t, [url], { pool: { ...STEADY, timeouts: limits, failover }, forwarder: create() })
  }
  const closed = (worker: RawWorker): Promise<void> =>
    until("the worker's connections are closed", () => worker.sockets.every((socket) => socket.closed))

  test('a worker to which no connection comes to stand is a 504, for upgrades too, and loses a POST to another', async (t) => {
    const app = await start(t, await deafWorker(t), { connect: 100 })
    const post = (): Promise<Response> => fetch(app.url, { method: 'POST', body: 'x' })
    assert.deepEqual([(await post()).status, (await refusal(t, app.port)).status], [504, 504])
    assert.ok(app.errors[0] instanceof GatewayTimeoutError)
    assert.match(app.errors[0].message, /no connection within 100 ms/)
    app.pool.add((await startWorker(t)).url)
    await until('it is alive', () => app.pool.workers.every(({ alive }) => alive))
    for (let i = 0; i < 2; i++) assert.equal((await post()).status, 200)
    assert.ok(app.pool.metrics.retries >= 1)
  })

  for (const [what, bytes] of [
    ['says nothing', ''],
    ['stops within the head of its answer', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ] as const)
    test(`a worker that ${what} is a 504, and its connection is closed`, async (t) => {
      const worker = await rawWorker(t, (socket) => void socket.write(bytes))
      const app = await start(t, worker.url, { response: 50 })
      for (const init of [{}, { method: 'POST', body: 'x' }, { method: 'HEAD' }])
        assert.equal((await fetch(app.url, init)).status, 504)
      assert.ok(app.errors.every((error) => error instanceof GatewayTimeoutError))
      assert.equal(app.pool.metrics.failed, 3)
      await closed(worker)
      assert.equal(worker.sockets.length, 3, 'none was used again')
    })

  test('a worker that says nothing loses a GET to another where retryOn has timeouts, and not a POST', async (t) => {
    const silent = await rawWorker(t, () => {})
    const app = await start(t, silent.url, { response: 50 }, { retryOn: ['timeout'] })
    app.pool.add((await startWorker(t)).url)
    await until('it is alive', () => app.pool.workers.every(({ alive }) => alive))
    for (let i = 0; i < 2; i++) assert.equal((await fetch(app.url)).status, 200)
    const posts = [0, 1].map(() => fetch(app.url, { method: 'POST', body: 'x' }))
    const statuses = (await Promise.all(posts)).map(({ status }) => status)
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [200, 504],
    )
  })

  for (const [how, framing, part] of [
    ['with a length', 'Content-Length: 100000', 'x'],
    ['in chunks', 'Transfer-Encoding: chunked', '1\r\nx\r\n'],
  ] as const) {
    test(`an upload ${how} that keeps moving is not cut, though it takes longer than any limit`, async (t) => {
      const worker = await rawWorker(t, () => {})
      const app = await start(t, worker.url, ALL)
      const client = await rawClient(t, app.port, head('POST /x', framing))
      const end = performance.now() + LONG
      for (let sent = 1; performance.now() < end; sent++) {
        client.send(part)
        await until('it has come', () => worker.requests[0]?.body.split('x').length === sent + 1)
      }
      assert.deepEqual([client.received, client.isOver], ['', false])
      worker.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      assert.equal((await client.response()).status, 200)
    })

    test(`an upload ${how} that stops is a 408, the last answer on its connection, and cut to the worker`, async (t) => {
      const worker = await rawWorker(t, () => {})
      const app = await start(t, worker.url, { body: 50 })
      const client = await rawClient(t, app.port, `${head('POST /x', framing)}${part}`)
      const answer = await client.response()
      assert.deepEqual([answer.status, header(answer, 'connection')], [408, 'close'])
      assert.equal(await client.rest(), '')
      await closed(worker)
      assert.ok(app.errors[0] instanceof RequestTimeoutError)
      assert.deepEqual([app.pool.metrics.failed, app.pool.metrics.retries], [0, 0])
    })
  }

  test('a worker that takes no more of an upload is a 504, not the fault of the client', async (t) => {
    const sockets: Socket[] = []
    const server = createServer((socket) => void sockets.push(socket.pause()))
    const { url } = await listenAsWorker(t, server)
    const app = await start(t, url, { response: 100, body: 50 })
    const headers = { 'content-length': 100_000_000 }
    const status = await new Promise((resolve, reject) => {
      const req = request(app.url, { method: 'POST', headers }, (res) => {
        resolve(res.statusCode)
        req.destroy()
      })
      req.on('error', reject)
      Readable.from(zeros(100_000_000)).pipe(req)
    })
    assert.equal(status, 504)
    sockets[0]?.resume() // its end lies behind what was sent
    await until("the worker's connection is closed", () => sockets[0]?.closed === true)
  })

  for (const [how, begun] of [
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['to the end of its connection', 'HTTP/1.1 200 OK\r\n\r\nabc'],
  ] as const)
    test(`an answer ${how} that stops is cut, and never looks whole`, async (t) => {
      const worker = await rawWorker(t, begun)
      const app = await start(t, worker.url, { idle: 50 })
      const client = await rawClient(t, app.port, head('GET /x'))
      await assert.rejects(client.response())
      assert.match(client.received, /abc/)
      await closed(worker)
      await until('nobody is active', () => app.pool.metrics.active === 0)
      assert.deepEqual([app.pool.metrics.failed, app.pool.workers[0]?.outcomes.failed], [1, 1])
    })

  test('an answer that keeps moving is not cut, though it takes longer than any limit', async (t) => {
    const worker = await rawWorker(t, 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
    const app = await start(t, worker.url, ALL)
    const client = await rawClient(t, app.port, head('GET /x'))
    await until('it has begun', () => client.received.endsWith('\r\n\r\n'))
    const end = performance.now() + LONG
    const { length } = client.received
    for (let sent = 1; performance.now() < end; sent++) {
      worker.sockets[0]?.write('x')
      await until('it has come', () => client.received.length === length + sent)
    }
    assert.equal(client.isOver, false)
  })

  test('a client that stops reading is not cut, and gets the rest when it goes on', async (t) => {
    const body = 'x'.repeat(30_000_000)
    const worker = await startWorker(t, (_req, res) => void res.end(body))
    const app = await start(t, worker.url, ALL)
    const client = await rawClient(t, app.port, head('GET /x'))
    client.socket.pause()
    await pause(LONG)
    client.socket.resume()
    assert.equal((await client.response()).body.length, body.length)
  })

  test('events may be as far apart as they like', async (t) => {
    const begun = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n'
    const worker = await rawWorker(t, begun)
    const app = await start(t, worker.url, ALL)
    const client = await rawClient(t, app.port, head('GET /x'))
    await until('it has begun', () => client.received.includes('\r\n\r\n'))
    await pause(LONG)
    worker.sockets[0]?.write('data: 1\n\n')
    await until('the event', () => client.received.includes('data: 1\n\n'))
  })

  test('no timer is left when exchanges are over', async (t) => {
    const worker = await startWorker(t)
    const app = await start(t, worker.url, {})
    const ask = async (): Promise<void> => {
      for (const init of [{}, { method: 'POST', body: 'x' }, { method: 'HEAD' }])
        await (await fetch(app.url, init)).text()
      await until('nobody is active', () => app.pool.metrics.active === 0)
    }
    const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length
    await ask()
    const before = timers()
    for (let i = 0; i < 20; i++) await ask()
    assert.ok(timers() <= before, `${timers()} timers after ${before}`)
  })
}

function* zeros(length: number): Generator<Buffer> {
  const chunk = Buffer.alloc(100_000)
  for (let sent = 0; sent < length; sent += chunk.length) yield chunk
}
