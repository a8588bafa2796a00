import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { FailoverOptions, Timeouts } from '../../src/index.ts'
import { startApp, STEADY, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { rawClient } from '../support/raw-client.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { opened, refusal, upgradeHead, webSocketWorker } from '../support/web-sockets.ts'

/** How long an upgrade may wait, and that nothing after it is held to anything. */
export function upgradeTimeouts(create: Create): void {
  const start = (
    t: TestContext,
    urls: readonly string[],
    limits: Partial<Timeouts>,
    failover: FailoverOptions = {},
  ): Promise<TestApp> => {
    noCrashes(t)
    return startApp(t, urls, { pool: { ...STEADY, timeouts: limits, failover }, forwarder: create() })
  }

  test('an upgrade that is not answered is a 504, and its connection is closed', async (t) => {
    const silent = await rawWorker(t, () => {})
    const app = await start(t, [silent.url], { upgrade: 50 })
    assert.equal((await refusal(t, app.port)).status, 504)
    assert.equal(app.pool.metrics.failed, 1)
    await until('its connection is closed', () => silent.sockets.every((socket) => socket.closed))
  })

  test('an upgrade that is not answered moves on to another worker where retryOn has timeouts', async (t) => {
    const [silent, { url }] = [await rawWorker(t, () => {}), await webSocketWorker(t)]
    const app = await start(t, [silent.url, url], { upgrade: 50 }, { retryOn: ['timeout'] })
    for (let i = 0; i < 2; i++) await opened(t, app.port)
    assert.ok(app.pool.metrics.retries >= 1)
  })

  test('a WebSocket may be silent for longer than any limit', async (t) => {
    const { url } = await webSocketWorker(t)
    const limit = 150
    const limits = { connect: limit, response: limit, idle: limit, body: limit, upgrade: limit }
    const app = await start(t, [url], limits)
    const socket = await opened(t, app.port)
    await pause(4 * limit)
    socket.send('still here')
    const [answer] = (await once(socket, 'message')) as [Buffer]
    assert.equal(answer.toString(), 'still here')
  })

  test('a refusal that stops is cut, and never looks whole', async (t) => {
    const worker = await rawWorker(t, 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nabc')
    const app = await start(t, [worker.url], { idle: 50 })
    const client = await rawClient(t, app.port, upgradeHead())
    await assert.rejects(client.response())
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.equal(app.pool.metrics.failed, 1)
    await until("the worker's is closed", () => worker.sockets.every((socket) => socket.closed))
  })

  test('a client that stops reading a refusal is not cut', async (t) => {
    const body = 'x'.repeat(30_000_000)
    const worker = await rawWorker(t, `HTTP/1.1 403 No\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    const app = await start(t, [worker.url], { idle: 100 })
    const client = await rawClient(t, app.port, upgradeHead())
    client.socket.pause()
    await pause(500)
    client.socket.resume()
    assert.equal((await client.response()).body.length, body.length)
  })
}
