import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import type { WebSocket } from 'ws'
import { startApp, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import { NEVER, sickList } from '../support/fakes.ts'
import { holdingWorker, warmUp, type HoldingWorker } from '../support/holding-worker.ts'
import { head, type Create } from '../support/hostile.ts'
import { header } from '../support/message.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'
import { opened, refusal } from '../support/web-sockets.ts'

interface Scene {
  readonly app: TestApp
  /** Gets everything while it may. */
  readonly first: HoldingWorker
  readonly other: HoldingWorker
  readonly sick: Set<string>
}

/** An app over two workers, whose idle connections nobody but the end of a worker closes. */
async function scene(t: TestContext, create: Create): Promise<Scene> {
  noCrashes(t)
  const { sick, probe } = sickList()
  const [first, other] = [await holdingWorker(t, 'first'), await holdingWorker(t, 'other')]
  const app = await startApp(t, [first.url, other.url], {
    forwarder: create(),
    pool: {
      strategy: (eligible) => eligible[0],
      health: { schedule: NEVER, probe, fall: 1 },
      keepAlive: { idle: 600_000 },
    },
  })
  await app.pool.ready
  return { app, first, other, sick }
}

interface Busy {
  readonly slow: Promise<string>
  readonly stream: RawClient
  readonly webSocket: WebSocket
  /** The code with which the WebSocket closes. */
  readonly closed: Promise<unknown>
}

/** A slow response, an event stream and a WebSocket, all under way on the first worker. */
async function busy(t: TestContext, { app, first }: Scene): Promise<Busy> {
  const before = first.requests
  const slow = fetch(`${app.url}/slow`).then((answer) => answer.text(), String)
  const stream = await rawClient(t, app.port, head('GET /events'))
  await until('the stream has begun', () => stream.received.includes('data: 1'))
  const webSocket = await opened(t, app.port)
  const closed = once(webSocket, 'close').then(([code]) => code as unknown)
  await until('all are under way', () => first.requests === before + 3)
  return { slow, stream, webSocket, closed }
}

/** The stream was cut: its last chunk, which would say that it is whole, has not come. */
async function assertCut(stream: RawClient): Promise<void> {
  assert.doesNotMatch(await stream.rest(), /\r\n0\r\n/)
}

/** 1006: the connection ended, and nobody said why. */
const ABNORMAL = 1006

/** What becomes of exchanges and connections when their worker, or the balancer, is taken out of service. */
export function draining(create: Create): void {
  test('a worker that is drained finishes what ends in time, and the rest is cut', async (t) => {
    const stage = await scene(t, create)
    const { app, first, other } = stage
    const { slow, stream, webSocket, closed } = await busy(t, stage)

    // Two drains, one without haste: so nothing here depends on how fast the slow one finishes.
    const drained = app.pool.drain(first.id)
    const names = new Set<string>()
    const load = { goesOn: true }
    const loaded = (async () => {
      while (load.goesOn) names.add(await (await fetch(app.url)).text())
    })()
    await until('others are served meanwhile', () => other.requests > 5)
    first.answer()
    assert.equal(await slow, 'first')
    await until('the slow one is over', () => app.pool.workers[0]?.inFlight === 2)
    assert.deepEqual([stream.isOver, webSocket.readyState], [false, webSocket.OPEN])

    const { cut, calledOff } = await app.pool.drain(first.id, { timeout: 1 })
    assert.deepEqual([cut, calledOff], [2, false])
    await assertCut(stream)
    assert.equal(await closed, ABNORMAL)
    await drained
    const served = other.requests
    await until('others are served after it', () => other.requests > served + 5)
    load.goesOn = false
    await loaded
    assert.deepEqual(names, new Set(['other']))
    await until('no connection to it is left', () => first.open.size === 0)
    await until('nobody is active', () => app.pool.metrics.active === 0)
    const [worker] = app.pool.workers
    assert.deepEqual([worker?.inFlight, worker?.alive], [0, true])
  })

  for (const [how, take] of [
    ['is drained', ({ app, first }) => app.pool.drain(first.id)],
    ['is removed', ({ app, first }) => app.pool.remove(first.id)],
    ['is left out of an update', ({ app, other }) => app.pool.update([other.url]).drained],
    [
      'goes down',
      ({ app, first, sick }) => {
        sick.add(first.id)
        return app.pool.poll()
      },
    ],
  ] satisfies [string, (scene: Scene) => Promise<unknown>][])
    test(`the idle connections to a worker that ${how} are closed at once, those in use after their use`, async (t) => {
      const stage = await scene(t, create)
      const { app, first } = stage
      await warmUp(app, first, 4)
      assert.equal(first.open.size, 4)
      const slow = fetch(`${app.url}/slow`)
      await until('one is in use', () => app.pool.workers[0]?.inFlight === 1)
      const taken = take(stage)
      await until('the idle ones are closed', () => first.open.size === 1)
      first.answer()
      assert.equal(await (await slow).text(), 'first')
      await until('the last is closed', () => first.open.size === 0)
      await taken
      assert.equal(await (await fetch(app.url)).text(), 'other')
    })

  test('a worker that is undrained, and one that comes up again, carries as before', async (t) => {
    const { app, first, sick } = await scene(t, create)
    await app.pool.drain(first.id)
    assert.equal(await (await fetch(app.url)).text(), 'other')
    app.pool.undrain(first.id)
    assert.equal(await (await fetch(app.url)).text(), 'first')
    sick.add(first.id)
    await app.pool.poll()
    assert.equal(await (await fetch(app.url)).text(), 'other')
    sick.delete(first.id)
    for (let i = 0; i < 2; i++) await app.pool.poll()
    assert.equal(await (await fetch(app.url)).text(), 'first')
    assert.equal(app.pool.metrics.retries, 0)
  })

  test('a balancer that closes finishes what is under way, takes nothing new, and keeps no connection', async (t) => {
    const { app, first, other } = await scene(t, create)
    await warmUp(app, first, 2)
    const slow = fetch(`${app.url}/slow`)
    await until('it is under way', () => app.pool.workers[0]?.inFlight === 1)
    const closed = app.balance.close()
    const again = app.balance.close()

    const client = await rawClient(t, app.port, head('GET /x'))
    const answer = await client.response()
    assert.deepEqual([answer.status, header(answer, 'connection')], [503, 'close'])
    assert.equal(await client.rest(), '', 'and it is closed')
    assert.equal((await refusal(t, app.port)).status, 503)

    first.answer()
    assert.equal(await (await slow).text(), 'first')
    assert.deepEqual(await Promise.all([closed, again]), [{ cut: 0 }, { cut: 0 }])
    await until('no connection is left', () => first.open.size === 0)
    assert.equal(other.requests, 0)
    assert.equal(app.pool.metrics.active, 0)
  })

  test('a balancer that closes cuts what is under way after its time, and tells how much', async (t) => {
    const stage = await scene(t, create)
    const { app, first, other } = stage
    const { slow, stream, closed } = await busy(t, stage)
    assert.deepEqual(await app.balance.close({ timeout: 1 }), { cut: 3 })
    assert.match(await slow, /TypeError/)
    await assertCut(stream)
    assert.equal(await closed, ABNORMAL)
    await until('no connection is left', () => first.open.size === 0)
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.deepEqual([other.requests, app.pool.workers[0]?.inFlight], [0, 0], 'nothing moves on')
  })

  test('a balancer that closes within no time is told so, and goes on', async (t) => {
    const { app } = await scene(t, create)
    await assert.rejects(app.balance.close({ timeout: 0 }), {
      name: 'OptionError',
      message: /^timeout: 0 is/,
    })
    assert.equal((await fetch(app.url)).status, 200)
  })
}
