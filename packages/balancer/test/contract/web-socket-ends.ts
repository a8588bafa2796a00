import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { startApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { rawClient } from '../support/raw-client.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { opened, upgradeHead, webSocketWorker } from '../support/web-sockets.ts'

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

/** However a WebSocket ends, the other side learns of it and nothing stays behind. */
export function webSocketEnds(create: Create): void {
  for (const [how, end] of [
    ['dies', 'terminate'],
    ['closes', 'close'],
  ] as const)
    test(`a worker that ${how} during a connection closes the client's`, async (t) => {
      noCrashes(t)
      const { url, connections } = await webSocketWorker(t)
      const app = await startApp(t, [url], { forwarder: create() })
      const socket = await opened(t, app.port)
      const closed = once(socket, 'close')
      for (const connection of connections) connection[end]()
      await closed
      await until('nobody is active', () => app.pool.metrics.active === 0)
      assert.equal(app.pool.workers[0]?.inFlight, 0)
    })

  test("a worker that resets during a connection closes the client's, and writes no HTTP into it", async (t) => {
    noCrashes(t)
    const worker = await rawWorker(t, (socket) => {
      socket.write(SWITCHED, () => setTimeout(() => socket.resetAndDestroy(), 20))
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, upgradeHead())
    assert.equal((await client.response()).status, 101)
    assert.equal(await client.rest(), '')
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })

  test('what a worker said before it ended reaches the client', async (t) => {
    const worker = await rawWorker(t, (socket) => {
      socket.write(SWITCHED)
      socket.end('last words '.repeat(100_000))
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, upgradeHead())
    await client.response()
    assert.equal((await client.rest()).length, 1_100_000)
    client.socket.end()
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })

  for (const [how, end] of [
    ['ends', 'end'],
    ['is gone', 'destroy'],
    ['resets', 'resetAndDestroy'],
  ] as const) {
    test(`a client that ${how} closes the worker's side`, async (t) => {
      noCrashes(t)
      const worker = await rawWorker(t, SWITCHED)
      const app = await startApp(t, [worker.url], { forwarder: create() })
      const client = await rawClient(t, app.port, upgradeHead())
      await client.response()
      client.socket[end]()
      await until("the worker's connection is closed", () => worker.sockets.at(-1)?.closed === true)
      await until('nobody is active', () => app.pool.metrics.active === 0)
      const { failed, total } = app.pool.metrics
      assert.deepEqual([failed, total], [0, 1])
    })

    test(`a client that ${how} before a worker has answered closes the worker's side`, async (t) => {
      noCrashes(t)
      const worker = await rawWorker(t, () => {})
      const app = await startApp(t, [worker.url], { forwarder: create() })
      const client = await rawClient(t, app.port, `${upgradeHead()}early`)
      await until('the worker is asked', () => worker.requests.length === 1)
      client.socket[end]()
      await until("the worker's connection is closed", () => worker.sockets.at(-1)?.closed === true)
      await until('nobody is active', () => app.pool.metrics.active === 0)
      assert.equal(app.pool.metrics.failed, 0)
      assert.equal(app.pool.workers[0]?.outcomes['client-gone'], 1)
    })
  }

  test("a client that leaves within a long refusal closes the worker's side", async (t) => {
    noCrashes(t)
    const worker = await rawWorker(t, (socket) => {
      socket.write(`HTTP/1.1 403 No\r\nContent-Length: 90000000\r\n\r\n${'x'.repeat(5_000_000)}`)
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, upgradeHead())
    await until('the refusal has begun', () => client.received.length > 1000)
    client.socket.destroy()
    await until("the worker's connection is closed", () => worker.sockets.at(-1)?.closed === true)
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.equal(app.pool.workers[0]?.outcomes['client-gone'], 1)
    assert.equal(app.pool.metrics.failed, 0)
  })
}
