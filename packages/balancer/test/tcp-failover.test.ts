import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import type { Worker, WorkerSpec } from '../src/index.ts'
import type { Strategy } from '../src/strategies/strategy.ts'
import { queueless } from './faults/unreachable.ts'
import { poolOf, sickList } from './support/fakes.ts'
import { deadPort } from './support/listen.ts'
import {
  assertCounts,
  dialTcp,
  ending,
  fate,
  named,
  next,
  outcomes,
  over,
  startTcp,
  tcpWorker,
  whole,
} from './support/tcp.ts'
import { until } from './support/until.ts'

const inOrder: Strategy = (eligible) => eligible[0]

async function dead(): Promise<string> {
  return `http://127.0.0.1:${await deadPort()}`
}

/** A worker to which no connection comes to stand. */
async function blackHole(t: TestContext): Promise<number> {
  const hole = await queueless()
  t.after(() => hole.close())
  return hole.port
}

suite('a worker that refuses', () => {
  test('costs nothing: the connection goes on to the next, with all that was said', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [await dead(), await dead(), worker.url], { pool: { strategy: inOrder } })
    const told: [Worker, unknown][] = []
    app.pool.on('retry', (to, error) => told.push([to, error]))
    const client = await dialTcp(app.port)
    client.end('hello')
    assert.equal(String(await whole(client)), 'hello')
    await over(app)
    const [one, two, three] = app.pool.workers
    assert.deepEqual(
      app.pool.workers.map(({ outcomes, failures }) => [outcomes.closed, outcomes.failed, failures.connect]),
      [
        [0, 1, 1],
        [0, 1, 1],
        [1, 0, 0],
      ],
    )
    assertCounts(app, { total: 1, retries: 2 })
    assert.deepEqual(
      told.map(([to]) => to),
      [two, three],
    )
    const messages = told.map(([, error]) => (error as Error).message)
    for (const [i, worker] of [one, two].entries())
      assert.match(messages[i] ?? '', new RegExp(`^worker ${worker?.id}: .*ECONNREFUSED`))
    assert.ok(app.pool.workers.every(({ alive }) => alive))
    assert.deepEqual([one?.sent, one?.received, three?.sent], [0, 0, 5])
  })

  test('is tried once, and the client is reset when all have been tried', async (t) => {
    const app = await startTcp(t, [await dead(), await dead()], { pool: { failover: { attempts: 9 } } })
    const client = await dialTcp(app.port)
    client.write('hello')
    assert.equal(await ending(client), 'ECONNRESET')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { failed: 2 })
    assertCounts(app, { total: 1, failed: 1, retries: 1 })
  })

  test('takes up one of the attempts that there may be', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [await dead(), await dead(), worker.url], {
      pool: { strategy: inOrder, failover: { attempts: 2 } },
    })
    assert.equal(await fate(app.port), 'ECONNRESET')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { failed: 2 })
    assertCounts(app, { total: 1, failed: 1, retries: 1 })
    assert.equal(worker.sockets.length, 0)
  })

  test('is paused by the breaker', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [await dead(), worker.url], {
      pool: { strategy: inOrder, breaker: { failures: 2 } },
    })
    for (let i = 0; i < 4; i++) {
      const client = await dialTcp(app.port)
      client.end('x')
      assert.equal(String(await whole(client)), 'x')
    }
    await over(app)
    assert.deepEqual(
      app.pool.workers.map(({ requests }) => requests),
      [2, 4],
    )
  })
})

suite('a worker that takes no connection', () => {
  test('is given up after timeouts.connect, and another is tried', async (t) => {
    const hole = await blackHole(t)
    const worker = await named(t, 'well')
    const app = await startTcp(t, [`http://127.0.0.1:${hole}`, worker.url], {
      pool: { strategy: inOrder, timeouts: { connect: 60 } },
    })
    const client = await dialTcp(app.port)
    assert.equal(await next(client), 'well')
    client.end()
    await over(app)
    const [first] = app.pool.workers
    assert.deepEqual([first?.failures.timeout, first?.failures.connect], [1, 0])
    assertCounts(app, { total: 1, retries: 1 })
  })

  test('is given up at the deadline of all attempts, after which there is none', async (t) => {
    const hole = await blackHole(t)
    const spec = (name: string): WorkerSpec => ({ url: `http://127.0.0.1:${hole}`, name })
    const worker = await named(t, 'well')
    const pool = poolOf(t, [spec('a'), { url: worker.url, name: 'well' }], {
      strategy: inOrder,
      timeouts: { connect: 10_000 },
      failover: { deadline: 80 },
    })
    const app = await startTcp(t, [], { of: pool })
    assert.equal(await fate(app.port), 'ECONNRESET')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { failed: 1 })
    assertCounts(app, { total: 1, failed: 1 })
    assert.equal(worker.sockets.length, 0)
  })

  for (const how of ['closes', 'breaks off'])
    test(`is left at once when the client ${how} meanwhile`, async (t) => {
      const hole = await blackHole(t)
      const worker = await named(t, 'well')
      const app = await startTcp(t, [`http://127.0.0.1:${hole}`, worker.url], {
        pool: { strategy: inOrder, timeouts: { connect: how === 'closes' ? 500 : 60_000 } },
      })
      const client = await dialTcp(app.port)
      client.write('x')
      await until('an attempt is under way', () => app.pool.workers[0]?.inFlight === 1)
      if (how === 'closes') client.destroy()
      else client.resetAndDestroy()
      await over(app)
      // Who only closes may be one that ends its half and waits: it is carried on, until its reset comes back.
      if (how === 'breaks off') {
        assert.deepEqual(outcomes(app.pool.workers), { 'client-gone': 1 })
        assert.equal(worker.sockets.length, 0)
        assertCounts(app, { total: 1 })
      }
    })

  test('is left at once when a drain cuts it', async (t) => {
    const hole = await blackHole(t)
    const app = await startTcp(t, [`http://127.0.0.1:${hole}`], { pool: { timeouts: { connect: 60_000 } } })
    const client = await dialTcp(app.port)
    const [worker] = app.pool.workers
    await until('an attempt is under way', () => worker?.inFlight === 1)
    const drained = app.pool.drain(worker?.id ?? '', { timeout: 20 })
    assert.equal(await ending(client), 'ECONNRESET')
    assert.equal((await drained).cut, 1)
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { 'client-gone': 1 })
  })
})

suite('a worker that accepts and', () => {
  test('closes is one that has said its all', async (t) => {
    const worker = await tcpWorker(t, (socket) => socket.destroy())
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    assert.equal(await ending(client), 'end')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
    assertCounts(app, { total: 1 })
  })

  test('breaks off is a failure, and no other is tried', async (t) => {
    const worker = await tcpWorker(t, (socket) => socket.resetAndDestroy())
    const other = await named(t, 'other')
    const app = await startTcp(t, [worker.url, other.url], {
      pool: { strategy: inOrder, failover: { attempts: 1 } },
    })
    assert.equal(await fate(app.port), 'ECONNRESET')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { failed: 1 })
    assertCounts(app, { total: 1, failed: 1 })
  })
})

suite('a client for whom there is nobody', () => {
  test('is reset, where no worker is alive', async (t) => {
    const { sick, probe } = sickList()
    const worker = await tcpWorker(t)
    sick.add(`127.0.0.1:${worker.port}`)
    const app = await startTcp(t, [worker.url], { pool: { probe } })
    assert.equal(await fate(app.port), 'ECONNRESET')
    await over(app)
    assertCounts(app, { total: 1, failed: 1, unattempted: 1 })
  })

  test('is reset, where the strategy chooses nobody', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url], { pool: { strategy: () => undefined } })
    assert.equal(await fate(app.port), 'ECONNRESET')
    await over(app)
    assertCounts(app, { total: 1, failed: 1, unattempted: 1 })
  })

  test('is reset, where the strategy throws: a fault of its own, that ends no process', async (t) => {
    const worker = await tcpWorker(t)
    const strategy: Strategy = () => {
      throw new Error('a fault of the strategy')
    }
    const app = await startTcp(t, [worker.url], { pool: { strategy } })
    assert.equal(await fate(app.port), 'ECONNRESET')
    await over(app)
    assertCounts(app, { total: 1, failed: 1, unattempted: 1 })
  })
})

test('a client that has left before the pool is ready reaches nobody', async (t) => {
  const worker = await tcpWorker(t)
  let release = (): void => {}
  const probe = () => new Promise<void>((resolve) => void (release = resolve))
  const app = await startTcp(t, [worker.url], { pool: { probe }, isReady: false })
  const client: Socket = connect(app.port, '127.0.0.1').on('error', () => {})
  await until('it waits', () => app.pool.metrics.active === 1)
  client.resetAndDestroy()
  await until('it has left', () => app.accepted[0]?.destroyed === true)
  release()
  await over(app)
  assertCounts(app, { total: 1, unattempted: 1 })
  assert.equal(worker.sockets.length, 0)
})
