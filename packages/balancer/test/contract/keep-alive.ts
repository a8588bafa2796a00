import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startApp, STEADY } from '../support/app.ts'
import { carrier, workerAt } from '../support/carrier.ts'
import { noCrashes } from '../support/crashes.ts'
import { OK, type Create } from '../support/hostile.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'

/** How long connections to workers are kept, and when they are let go. */
export function keepAlive(create: Create): void {
  for (const [what, answer] of [
    ['no word of it', OK],
    ['leave for longer', OK.replace('\r\n', '\r\nKeep-Alive: timeout=60\r\n')],
  ] as const)
    test(`an idle connection is closed when its time is over, with ${what} from the worker`, async (t) => {
      const worker = await rawWorker(t, answer)
      const app = await startApp(t, [worker.url], {
        pool: { ...STEADY, keepAlive: { idle: 50 } },
        forwarder: create(),
      })
      assert.equal((await fetch(app.url)).status, 200)
      await until('it is closed', () => worker.sockets[0]?.closed === true, 1500)
    })

  test('a connection that waits for an answer is not idle', async (t) => {
    const worker = await rawWorker(t, (socket, { path }) => {
      if (path === '/') socket.write(OK)
      else setTimeout(() => socket.write(OK), 300)
    })
    const app = await startApp(t, [worker.url], {
      pool: { ...STEADY, keepAlive: { idle: 50 } },
      forwarder: create(),
    })
    assert.equal((await fetch(app.url)).status, 200)
    assert.equal((await fetch(`${app.url}/slow`)).status, 200)
    assert.equal((await fetch(`${app.url}/slow`, { method: 'POST', body: 'x' })).status, 200)
  })

  test('a worker that is forgotten may come back, while it still carries something from before', async (t) => {
    noCrashes(t)
    let answer = (): void => {}
    const raw = await rawWorker(t, (socket, { path }) => {
      if (path === '/') socket.write(OK)
      else answer = () => void socket.write(OK)
    })
    const worker = workerAt(raw.url)
    const { url, forwarder } = await carrier(t, create, () => [{ worker }])
    assert.equal((await fetch(url)).status, 200)
    const slow = fetch(`${url}/slow`)
    await until('it is asked', () => raw.requests.length === 2)
    forwarder.forget?.(worker)
    forwarder.forget?.(worker)
    assert.equal((await fetch(url)).status, 200)
    assert.equal(raw.sockets.length, 2)
    answer()
    assert.equal((await slow).status, 200)
    await until('the one from before is closed', () => raw.sockets[0]?.closed === true)
    assert.equal((await fetch(url)).status, 200)
    assert.equal(raw.sockets.length, 2, 'the new one is kept')
  })

  test('close ends what a forgotten worker still carries', async (t) => {
    noCrashes(t)
    const raw = await rawWorker(t, () => {})
    const worker = workerAt(raw.url)
    const { url, forwarder } = await carrier(t, create, () => [{ worker }])
    const slow = fetch(url)
    await until('it is asked', () => raw.requests.length === 1)
    forwarder.forget?.(worker)
    await pause(20)
    assert.equal(raw.sockets[0]?.closed, false)
    forwarder.close()
    assert.equal((await slow).status, 500)
    await until('it is closed', () => raw.sockets[0]?.closed === true)
  })
}
