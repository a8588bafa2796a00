import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { suite, test } from 'node:test'
import type { Strategy } from '../src/strategies/strategy.ts'
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
  type TcpApp,
} from './support/tcp.ts'
import { until } from './support/until.ts'

const inOrder: Strategy = (eligible) => eligible[0]

/** A connection, and whom it is with. */
async function visit(app: TcpApp): Promise<[client: Socket, name: string]> {
  const client = await dialTcp(app.port)
  return [client, await next(client)]
}

/** The same, of one that leaves again. */
async function nameOf(app: TcpApp): Promise<string> {
  const [client, name] = await visit(app)
  client.end().resume()
  return name
}

suite('a worker that is drained', () => {
  test('keeps the connections that it has, gets no new ones, and is told of as drained when the last is over', async (t) => {
    const [a, b] = [await named(t, 'a'), await named(t, 'b')]
    const app = await startTcp(t, [a.url, b.url], { pool: { strategy: inOrder } })
    const [client, name] = await visit(app)
    assert.equal(name, 'a')
    const id = app.pool.workers[0]?.id ?? ''
    let isDrained = false
    const drained = app.pool.drain(id)
    void drained.then(() => (isDrained = true))
    assert.equal(await nameOf(app), 'b')
    assert.equal(isDrained, false)
    a.sockets[0]?.write('still here')
    assert.equal(await next(client), 'still here')
    client.end()
    assert.deepEqual(await drained, { id, cut: 0, calledOff: false })
    assert.equal(await nameOf(app), 'b')
    app.pool.undrain(id)
    assert.equal(await nameOf(app), 'a')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 4 })
  })

  test('has what is not over after the timeout cut, on both sides', async (t) => {
    const [a, b] = [await named(t, 'a'), await named(t, 'b')]
    const app = await startTcp(t, [a.url, b.url], { pool: { strategy: inOrder } })
    const clients = [await visit(app), await visit(app), await visit(app)]
    const fates = clients.map(([client]) => ending(client))
    const { cut } = await app.pool.drain(app.pool.workers[0]?.id ?? '', { timeout: 20 })
    assert.equal(cut, 3)
    assert.deepEqual(await Promise.all(fates), ['ECONNRESET', 'ECONNRESET', 'ECONNRESET'])
    await until('the worker is cut', () => a.sockets.every(({ closed }) => closed))
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { 'client-gone': 3 })
    assertCounts(app, { total: 3 })
  })

  test('has those cut too whose client takes nothing of what it says', async (t) => {
    const worker = await tcpWorker(t, (socket) => {
      socket.on('drain', () => socket.write(Buffer.alloc(1_000_000)))
      socket.end(Buffer.alloc(50_000_000))
    })
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    await until('the client takes no more', () => (app.accepted[0]?.writableLength ?? 0) > 0)
    assert.equal((await app.pool.drain(app.pool.workers[0]?.id ?? '', { timeout: 20 })).cut, 1)
    await over(app)
    await until('it is closed', () => app.accepted[0]?.closed === true)
    client.destroy()
  })

  test('keeps them when its drain is called off', async (t) => {
    const worker = await named(t, 'a')
    const app = await startTcp(t, [worker.url])
    const [client] = await visit(app)
    const id = app.pool.workers[0]?.id ?? ''
    const drained = app.pool.drain(id, { timeout: 60_000 })
    app.pool.undrain(id)
    assert.deepEqual(await drained, { id, cut: 0, calledOff: true })
    worker.sockets[0]?.end('bye')
    assert.equal(String(await whole(client)), 'bye')
    client.end()
    await over(app)
  })
})

suite('a pool that changes', () => {
  test('has a worker that is removed leave when its last connection is over', async (t) => {
    const [a, b] = [await named(t, 'a'), await named(t, 'b')]
    const app = await startTcp(t, [a.url, b.url], { pool: { strategy: inOrder } })
    const [client] = await visit(app)
    const [worker] = app.pool.workers
    const removed = app.pool.remove(worker?.id ?? '')
    assert.equal(await nameOf(app), 'b')
    assert.equal(app.pool.workers.length, 2)
    client.end().resume()
    assert.equal((await removed).cut, 0)
    assert.equal(app.pool.workers.length, 1)
    assert.equal(worker?.outcomes.closed, 1)
  })

  test('by an update leaves the connections of those who stay, and drains those who go', async (t) => {
    const [a, b, c] = [await named(t, 'a'), await named(t, 'b'), await named(t, 'c')]
    const app = await startTcp(t, [a.url, b.url], { pool: { drain: { timeout: 20 } } })
    const [[first, one], [second]] = [await visit(app), await visit(app)]
    const [goer, stayer] = one === 'a' ? [first, second] : [second, first]
    const { drained, kept } = app.pool.update([b.url, c.url])
    assert.equal(kept.length, 1)
    assert.equal(await ending(goer), 'ECONNRESET')
    assert.equal((await drained)[0]?.cut, 1)
    b.sockets[0]?.write('still here')
    assert.equal(await next(stayer), 'still here')
    stayer.end().resume()
    await until('it is over', () => app.pool.metrics.active === 0)
    await app.pool.poll()
    const names = [await nameOf(app), await nameOf(app)].toSorted()
    assert.deepEqual(names, ['b', 'c'])
    await over(app)
  })

  test('is closed when its connections are over, and has nobody from then on', async (t) => {
    const app = await startTcp(t, [(await named(t, 'a')).url])
    const [client] = await visit(app)
    const closed = app.pool.close()
    assert.equal(await fate(app.port), 'ECONNRESET')
    client.end().resume()
    assert.deepEqual(
      (await closed).map(({ cut }) => cut),
      [0],
    )
    await over(app)
  })

  test('is closed at the latest after the timeout, with the rest cut', async (t) => {
    const app = await startTcp(t, [(await named(t, 'a')).url])
    const [client] = await visit(app)
    const how = ending(client)
    assert.deepEqual(
      (await app.pool.close({ timeout: 20 })).map(({ cut }) => cut),
      [1],
    )
    assert.equal(await how, 'ECONNRESET')
    await over(app)
  })
})

suite('a balancer that is closed', () => {
  test('waits for its connections, and sends new ones away', async (t) => {
    const worker = await named(t, 'a')
    const app = await startTcp(t, [worker.url])
    const [client] = await visit(app)
    let isClosed = false
    const closed = app.balance.close()
    void closed.then(() => (isClosed = true))
    assert.equal(await fate(app.port), 'end')
    assert.equal(isClosed, false)
    const again = app.balance.close()
    client.end().resume()
    assert.deepEqual(await Promise.all([closed, again]), [{ cut: 0 }, { cut: 0 }])
    assertCounts(app, { total: 1 })
    assert.deepEqual(await app.balance.close(), { cut: 0 })
  })

  test('cuts what is not over after the timeout', async (t) => {
    const worker = await named(t, 'a')
    const app = await startTcp(t, [worker.url])
    const fates = [await visit(app), await visit(app)].map(([client]) => ending(client))
    assert.deepEqual(await app.balance.close({ timeout: 20 }), { cut: 2 })
    assert.deepEqual(await Promise.all(fates), ['ECONNRESET', 'ECONNRESET'])
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { 'client-gone': 2 })
    assert.equal(app.pool.metrics.failed, 0)
  })

  test('cuts also those that wait for a pool that is never ready', async (t) => {
    const app = await startTcp(t, ['http://127.0.0.1:9'], {
      pool: { probe: () => new Promise(() => {}), timeout: 60_000 },
      isReady: false,
    })
    const how = fate(app.port)
    await until('it waits', () => app.pool.metrics.active === 1)
    assert.deepEqual(await app.balance.close({ timeout: 20 }), { cut: 1 })
    assert.equal(await how, 'ECONNRESET')
    app.pool.metrics.active-- // it waits for ever
    app.pool.metrics.unattempted++
  })

  test('takes no timeout that is none', async (t) => {
    const app = await startTcp(t, [(await named(t, 'a')).url])
    await assert.rejects(app.balance.close({ timeout: -1 }), { name: 'OptionError', option: 'timeout' })
    assert.equal(await nameOf(app), 'a')
    await over(app)
  })
})

suite('of more than maxConnections', () => {
  test('each beyond gets a clean end, also when it speaks first, and none is tried on a worker', async (t) => {
    const worker = await named(t, 'a')
    const app = await startTcp(t, [worker.url], { maxConnections: 2 })
    const [[first], [second]] = [await visit(app), await visit(app)]
    for (let i = 0; i < 30; i++) {
      const client = await dialTcp(app.port)
      client.write('hello'.repeat(i * 10))
      assert.equal(await ending(client), 'end')
    }
    assert.equal(worker.sockets.length, 2)
    assertCounts(app, { total: 2, active: 2 })
    first.end().resume()
    await until('there is room', () => app.pool.metrics.active === 1)
    assert.equal(await nameOf(app), 'a')
    second.end().resume()
    await over(app)
    assertCounts(app, { total: 3 })
  })
})
