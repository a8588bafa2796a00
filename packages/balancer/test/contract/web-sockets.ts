import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { startApp, startPlainApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { deadPort } from '../support/listen.ts'
import { header } from '../support/message.ts'
import { rawClient } from '../support/raw-client.ts'
import { rawWorker, seen } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { opened, refusal, upgradeHead, webSocketWorker } from '../support/web-sockets.ts'
import { startWorker } from '../support/workers.ts'

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

/** WebSockets, from the handshake to the end. */
export function webSockets(create: Create): void {
  for (const [where, start] of [
    ['Express', startApp],
    ['http.createServer', startPlainApp],
  ] as const)
    test(`text and bytes come back as they were, under ${where}`, async (t) => {
      noCrashes(t)
      const { url } = await webSocketWorker(t)
      const app = await start(t, [url], { forwarder: create() })
      const socket = await opened(t, app.port)
      const big = randomBytes(3_000_000)
      for (const data of ['hello', big, '', 'x'.repeat(200_000)]) {
        socket.send(data)
        const [answer, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
        assert.ok(answer.equals(Buffer.from(data)), 'the same bytes')
        assert.equal(isBinary, typeof data !== 'string')
      }
      assert.equal(app.pool.metrics.active, 1, 'active until it closes')
      socket.close(4321, 'bye')
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
      assert.deepEqual([code, reason.toString()], [4321, 'bye'])
      await until('nobody is active', () => app.pool.metrics.active === 0)
      const { total, failed } = app.pool.metrics
      assert.deepEqual({ total, failed }, { total: 1, failed: 0 })
      assert.equal(app.pool.workers[0]?.outcomes['1xx'], 1)
      assert.equal(app.pool.workers[0]?.inFlight, 0)
    })

  test('the handshake has the headers of a request through a proxy, and no more', async (t) => {
    const worker = await rawWorker(
      t,
      SWITCHED.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=5\r\nX-Own: 1\r\n\r\n'),
    )
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const spoofed = ['X-Forwarded-For: 6.6.6.6', 'Keep-Alive: 1', 'Trailer: x', 'X-Mine: 1']
    const client = await rawClient(
      t,
      app.port,
      upgradeHead('/a//b?c=%zz', 'keep-alive, Upgrade, X-Mine', ...spoofed),
    )
    const answer = await client.response()
    assert.equal(answer.status, 101)
    assert.equal(header(answer, 'x-own'), '1')
    assert.equal(header(answer, 'keep-alive'), undefined)
    assert.equal(header(answer, 'upgrade')?.toLowerCase(), 'websocket')
    assert.equal(header(answer, 'connection')?.toLowerCase(), 'upgrade')
    const [request] = worker.requests
    assert.equal(request?.path, '/a//b?c=%zz')
    assert.deepEqual(
      seen(request, 'connection').map((value) => value.toLowerCase()),
      ['upgrade'],
    )
    assert.deepEqual(seen(request, 'upgrade'), ['websocket'])
    assert.deepEqual(seen(request, 'x-forwarded-for'), ['127.0.0.1'])
    assert.deepEqual(seen(request, 'host'), ['example.test'])
    for (const name of ['keep-alive', 'trailer', 'x-mine']) assert.deepEqual(seen(request, name), [], name)
  })

  for (const [what, dead] of [
    ['refuses the connection', async () => `http://127.0.0.1:${await deadPort()}`],
    ['resets it', async (t) => (await rawWorker(t, (socket) => socket.resetAndDestroy())).url],
    ['ends it', async (t) => (await rawWorker(t, (socket) => void socket.end())).url],
  ] satisfies [string, (t: Parameters<typeof rawWorker>[0]) => Promise<string>][])
    test(`a worker that ${what} loses an upgrade to another`, async (t) => {
      noCrashes(t)
      const { url } = await webSocketWorker(t)
      const app = await startApp(t, [await dead(t), url], { forwarder: create() })
      for (let i = 0; i < 4; i++) {
        const socket = await opened(t, app.port)
        socket.send('hello')
        const [answer] = (await once(socket, 'message')) as [Buffer]
        assert.equal(answer.toString(), 'hello')
      }
      assert.ok(app.pool.metrics.retries >= 2)
      assert.equal(app.pool.metrics.failed, 0)
    })

  test('what a client sends before the answer reaches the worker once, after an attempt that failed too', async (t) => {
    const bad = await rawWorker(t, (socket) => void socket.end())
    let bytes = ''
    const good = await rawWorker(t, (socket) => {
      socket.removeAllListeners('data').on('data', (data) => void (bytes += data.toString()))
      setTimeout(() => socket.write(SWITCHED), 20)
    })
    const app = await startApp(t, [bad.url, good.url], { forwarder: create() })
    for (let i = 0; i < 2; i++) {
      bytes = ''
      const client = await rawClient(t, app.port, `${upgradeHead()}early `)
      await until('the worker has it', () => good.requests.length === i + 1)
      client.send('late')
      assert.equal((await client.response()).status, 101)
      await until('the bytes', () => bytes.endsWith('late'))
      assert.equal(bytes, 'early late')
    }
    assert.ok(app.pool.metrics.retries >= 1)
  })

  test('a worker that switches with a repeated Upgrade header leaves nothing behind', async (t) => {
    noCrashes(t)
    const worker = await rawWorker(
      t,
      SWITCHED.replace('Upgrade: websocket', 'Upgrade: websocket\r\nUpgrade: other'),
    )
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, upgradeHead())
    assert.ok([101, 502].includes((await client.response()).status))
    client.socket.destroy()
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.equal(app.pool.workers[0]?.inFlight, 0)
  })

  test("a worker's refusal is relayed", async (t) => {
    const worker = await startWorker(t, (_req, res) => {
      res.writeHead(403, { 'x-why': 'no', trailer: 'x' }).end('not you')
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    assert.deepEqual(await refusal(t, app.port), { status: 403, body: 'not you' })
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.equal(app.pool.metrics.failed, 0)
    assert.equal(app.pool.workers[0]?.outcomes['4xx'], 1)
  })

  test('a long refusal reaches a slow reader whole', async (t) => {
    const body = 'x'.repeat(6_000_000)
    const worker = await startWorker(t, (_req, res) => void res.writeHead(403).end(body))
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, upgradeHead())
    client.socket.pause()
    await until('the worker is asked', () => worker.requests.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    client.socket.resume()
    const answer = await client.response()
    assert.deepEqual([answer.status, answer.body.length], [403, body.length])
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.equal(app.pool.metrics.failed, 0)
  })

  for (const [how, framing] of [
    ['with a length', 'Content-Length: 9\r\n\r\nabc'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ] as const)
    for (const end of ['end', 'resetAndDestroy'] as const)
      test(`a refusal ${how} that breaks off (${end}) never looks whole, and counts as failed`, async (t) => {
        noCrashes(t)
        const worker = await rawWorker(t, (socket) => {
          socket.write(`HTTP/1.1 403 Forbidden\r\n${framing}`, () => setTimeout(() => socket[end](), 20))
        })
        const app = await startApp(t, [worker.url], { forwarder: create() })
        const client = await rawClient(t, app.port, upgradeHead())
        await assert.rejects(client.response())
        assert.equal(client.received.split('HTTP/1.1').length, 2, 'one head')
        await until('nobody is active', () => app.pool.metrics.active === 0)
        assert.equal(app.pool.metrics.failed, 1)
      })

  test('a refusal with more behind it than it announces is passed on as it is announced', async (t) => {
    noCrashes(t)
    const worker = await rawWorker(t, 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno, and more')
    const app = await startApp(t, [worker.url], { forwarder: create() })
    assert.deepEqual(await refusal(t, app.port), { status: 403, body: 'no' })
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.deepEqual([app.pool.metrics.failed, app.pool.workers[0]?.outcomes['4xx']], [0, 1])
    await until("the worker's connection is closed", () => worker.sockets.every((socket) => socket.closed))
  })

  for (const answer of ['garbage\r\n\r\n', 'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 200'])
    test(`${JSON.stringify(answer.slice(0, 12))} for an answer is a 502`, async (t) => {
      noCrashes(t)
      const worker = await rawWorker(t, (socket) => void socket.end(answer))
      const app = await startApp(t, [worker.url], { forwarder: create() })
      assert.equal((await refusal(t, app.port)).status, 502)
      assert.equal(app.pool.metrics.failed, 1)
    })

  test('when nobody is alive the socket gets 503 with Retry-After', async (t) => {
    const app = await startApp(t, [`http://127.0.0.1:${await deadPort()}`], {
      pool: { health: { schedule: '* * * * * *', timeout: 500 } },
      forwarder: create(),
    })
    await app.pool.ready
    const client = await rawClient(t, app.port, upgradeHead())
    const answer = await client.response()
    assert.deepEqual([answer.status, header(answer, 'retry-after')], [503, '1'])
    await client.rest()
    const { total, failed, unattempted, active } = app.pool.metrics
    assert.deepEqual(
      { total, failed, unattempted, active },
      { total: 1, failed: 1, unattempted: 1, active: 0 },
    )
  })

  test('when all refuse the connection the socket gets 502', async (t) => {
    const app = await startApp(t, [`http://127.0.0.1:${await deadPort()}`], { forwarder: create() })
    assert.equal((await refusal(t, app.port)).status, 502)
  })

  for (const [what, line, ...headers] of [
    ['to h2c', 'GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: h2c'],
    ['by POST', 'POST / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket'],
  ] as const)
    test(`an upgrade ${what} is answered 501 and tried on nobody`, async (t) => {
      noCrashes(t)
      const { url, requests } = await webSocketWorker(t)
      const app = await startApp(t, [url], { forwarder: create() })
      const client = await rawClient(t, app.port, `${[line, 'Host: x', ...headers].join('\r\n')}\r\n\r\n`)
      assert.equal((await client.response()).status, 501)
      await client.rest()
      assert.deepEqual([app.pool.metrics.total, requests()], [0, 0])
    })

  for (const [what, status, extra] of [
    ['a second Host', 400, 'Host: other'],
    ['a body', 400, 'Content-Length: 5'],
  ] as const)
    test(`an upgrade with ${what} is answered ${status} and tried on nobody`, async (t) => {
      const { url, requests } = await webSocketWorker(t)
      const app = await startApp(t, [url], { forwarder: create() })
      const client = await rawClient(t, app.port, upgradeHead('/', 'Upgrade', extra))
      assert.equal((await client.response()).status, status)
      assert.equal(requests(), 0)
    })
}
