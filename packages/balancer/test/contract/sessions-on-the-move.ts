import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { startApp, type TestApp } from '../support/app.ts'
import { NEVER, sickList } from '../support/fakes.ts'
import type { Create } from '../support/hostile.ts'
import { until } from '../support/until.ts'
import { visitor, type Visitor } from '../support/visitor.ts'
import { webSocketWorker } from '../support/web-sockets.ts'
import { startWorkers } from '../support/workers.ts'

const sticky = { secret: 'the secret of all balancers in these tests' }

interface Scene {
  readonly app: TestApp
  /** Its session is with worker `a`. */
  readonly one: Visitor
  /** The id of `a`. */
  readonly id: string
  readonly sick: Set<string>
  /** Has worker `a` break off from now on. */
  readonly breakOff: () => void
}

/** Three workers, a session with the first, and a poller that takes out by one bad probe. */
async function scene(t: TestContext, create: Create): Promise<Scene> {
  let isBroken = false
  const workers = await startWorkers(t, 3, (req, res, { name }) => {
    if (isBroken && name === 'a') req.socket.destroy()
    else res.end(name)
  })
  const { sick, probe } = sickList()
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    { forwarder: create(), pool: { sticky, health: { schedule: NEVER, probe, fall: 1, rise: 1 } } },
  )
  await app.pool.ready
  const one = visitor(app.url)
  while ((await one.visit()) !== 'a') one.cookie = undefined
  return { app, one, sick, id: app.pool.workers[0]?.id ?? '', breakOff: () => void (isBroken = true) }
}

/** The session is with another worker than `a` from now on, and has a cookie that says so. */
async function assertMoved(one: Visitor): Promise<void> {
  const before = one.cookie
  const there = await one.visit()
  assert.notEqual(there, 'a')
  assert.notEqual(one.cookie, before, 'it was replaced')
  for (let i = 0; i < 6; i++) {
    assert.equal(await one.visit(), there)
    assert.deepEqual(one.set, [])
  }
}

async function newcomers(app: TestApp, count = 9): Promise<Set<string>> {
  const names = new Set<string>()
  for (let i = 0; i < count; i++) names.add(await visitor(app.url).visit())
  return names
}

/** When a session leaves its worker, and when it does not. */
export function sessionsOnTheMove(create: Create): void {
  test('a worker that is down hands its sessions over, for good', async (t) => {
    const { app, one, sick, id } = await scene(t, create)
    sick.add(id)
    await app.pool.poll()
    await assertMoved(one)
    sick.clear()
    await app.pool.poll()
    assert.notEqual(await one.visit(), 'a', 'it does not go back')
    assert.deepEqual(one.set, [])
  })

  test('a session moves on when its worker fails the request, before the poller knows', async (t) => {
    const { one, breakOff, app } = await scene(t, create)
    breakOff()
    await assertMoved(one)
    assert.equal(app.pool.workers[0]?.alive, true)
    assert.equal(app.pool.metrics.failed, 0)
  })

  test('a draining worker keeps its sessions and gets no new ones, until the time is over', async (t) => {
    const { app, one, id } = await scene(t, create)
    const over = new AbortController()
    const drained = app.pool.drain(id, { timeout: 1500 }).finally(() => over.abort())
    for (let i = 0; i < 5 && !over.signal.aborted; i++) {
      const where = await one.visit()
      if (!over.signal.aborted) assert.equal(where, 'a')
    }
    if (!over.signal.aborted) assert.deepEqual([...(await newcomers(app))].toSorted(), ['b', 'c'])
    assert.deepEqual(await drained, { id, cut: 0, calledOff: false })
    await assertMoved(one)
    assert.equal(app.pool.workers[0]?.draining, true)
  })

  test('a worker on its way out of the pool keeps its sessions until then', async (t) => {
    const { app, one, id } = await scene(t, create)
    const removed = app.pool.remove(id, { timeout: 1500 })
    assert.equal(await one.visit(), 'a')
    assert.ok(
      app.pool.workers.some((worker) => worker.id === id),
      'it is idle, and waited for',
    )
    await removed
    assert.ok(!app.pool.workers.some((worker) => worker.id === id))
    await assertMoved(one)
  })

  test('a drain whose sessions leave moves them at once', async (t) => {
    const { app, one, id } = await scene(t, create)
    assert.deepEqual(await app.pool.drain(id, { sessions: 'leave' }), { id, cut: 0, calledOff: false })
    await assertMoved(one)
  })

  test('a drain whose sessions stay can be made one whose sessions leave', async (t) => {
    const { app, one, id } = await scene(t, create)
    const first = app.pool.drain(id)
    assert.equal(await one.visit(), 'a')
    void app.pool.drain(id, { sessions: 'leave' })
    await assertMoved(one)
    app.pool.undrain(id)
    assert.equal((await first).calledOff, true)
  })

  test('a drain that is called off leaves the sessions where they are', async (t) => {
    const { app, one, id } = await scene(t, create)
    const drained = app.pool.drain(id)
    app.pool.undrain(id)
    assert.equal((await drained).calledOff, true)
    assert.equal(await one.visit(), 'a')
    assert.ok((await newcomers(app)).has('a'))
  })

  test('a WebSocket goes to the worker of its session, and brings the cookie to who has none', async (t) => {
    const workers = await Promise.all([webSocketWorker(t), webSocketWorker(t)])
    const urls = workers.map(({ url }) => url)
    const { app } = await startApp(t, urls, {
      forwarder: create(),
      pool: { sticky, health: { schedule: NEVER, probe: async () => {} } },
    }).then(async (app) => ({ app, ready: await app.pool.ready }))

    const connect = async (cookie?: string): Promise<string[]> => {
      const headers = cookie === undefined ? {} : { cookie }
      const socket = new WebSocket(`ws://127.0.0.1:${app.port}/`, { headers })
      t.after(() => socket.terminate())
      const upgraded = once(socket, 'upgrade') as Promise<[{ headers: { 'set-cookie'?: string[] } }]>
      await once(socket, 'open')
      const [{ headers: answered }] = await upgraded
      return answered['set-cookie'] ?? []
    }
    const [set = ''] = await connect()
    assert.match(set, /^rondo=[\w-]{43}; /)
    const cookie = set.slice(0, set.indexOf(';'))
    for (let i = 0; i < 5; i++) assert.deepEqual(await connect(cookie), [])
    await until('all are with one worker', () => workers.some(({ connections }) => connections.size === 6))
    await connect()
    await until('others go round', () => workers.every(({ connections }) => connections.size > 0))
  })
}
