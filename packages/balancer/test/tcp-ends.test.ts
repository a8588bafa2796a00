import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { BalanceTcp } from '../src/balance-tcp.ts'
import {
  connectionsTo,
  dialTcp,
  ending,
  next,
  outcomes,
  over,
  startTcp,
  tcpWorker,
  whole,
} from './support/tcp.ts'
import { until } from './support/until.ts'

const MB = 1_000_000

for (const allowHalfOpen of [false, true]) {
  const server = (balance: BalanceTcp) => createServer({ allowHalfOpen }, balance)

  suite(`half-close, by a server ${allowHalfOpen ? 'with' : 'without'} allowHalfOpen`, () => {
    test('by the client: the worker gets the end, and the client its whole answer', async (t) => {
      const worker = await tcpWorker(t, async (socket) => {
        const asked = await whole(socket)
        socket.write(`got ${asked.length} `)
        setImmediate(() => socket.end(Buffer.alloc(5 * MB)))
      })
      const app = await startTcp(t, [worker.url], { server })
      const client = await dialTcp(app.port)
      client.end(Buffer.alloc(2 * MB))
      const answer = await whole(client)
      assert.equal(answer.subarray(0, 12).toString(), 'got 2000000 ')
      assert.equal(answer.length, 12 + 5 * MB)
      await over(app)
      assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
    })

    test('by the worker: the client gets the end, and the worker all that is said to it', async (t) => {
      let got: Promise<Buffer> | undefined
      const worker = await tcpWorker(t, (socket) => {
        got = whole(socket)
        socket.end('that is all')
      })
      const app = await startTcp(t, [worker.url], { server })
      const client = await dialTcp(app.port)
      assert.equal(String(await whole(client)), 'that is all')
      client.write(Buffer.alloc(5 * MB))
      setImmediate(() => client.end('!'))
      await until('the worker has it', () => got !== undefined)
      assert.equal((await got)?.length, 5 * MB + 1)
      await over(app)
      assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
    })

    test('by both at once', async (t) => {
      const worker = await tcpWorker(t, (socket) => socket.end('a'.repeat(MB)).resume())
      const app = await startTcp(t, [worker.url], { server })
      const client = await dialTcp(app.port)
      client.end('b'.repeat(MB))
      assert.equal((await whole(client)).length, MB)
      await over(app)
      assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
      assert.equal(app.pool.workers[0]?.sent, MB)
    })
  })
}

/** With what a write fails: of a connection that has read the end, nothing else tells that it was cut. */
async function tried(socket: Socket | undefined): Promise<string | undefined> {
  socket?.write('x')
  const [error] = (await once(socket as Socket, 'error')) as [NodeJS.ErrnoException]
  return error.code
}

suite('a half that lingers', () => {
  test('on the side of the worker is cut after halfCloseTimeout', async (t) => {
    const worker = await tcpWorker(t, (socket) => socket.resume())
    const app = await startTcp(t, [worker.url], { idleTimeout: 0, halfCloseTimeout: 50 })
    const client = await dialTcp(app.port)
    client.end('bye')
    assert.equal(await ending(client), 'ECONNRESET')
    await over(app)
    assert.equal(await tried(worker.sockets[0]), 'EPIPE')
    assert.deepEqual(outcomes(app.pool.workers), { idle: 1 })
  })

  test('on the side of the client is cut after halfCloseTimeout', async (t) => {
    const worker = await tcpWorker(t, (socket) => socket.end('bye').resume())
    const app = await startTcp(t, [worker.url], { idleTimeout: 0, halfCloseTimeout: 50 })
    const client = await dialTcp(app.port)
    assert.equal(String(await whole(client)), 'bye')
    await over(app)
    assert.equal(await tried(client), 'EPIPE')
    assert.deepEqual(outcomes(app.pool.workers), { idle: 1 })
  })

  for (const how of ['closes', 'breaks off'])
    test(`is cut too where a client ${how} whose bytes a worker that has ended does not take`, async (t) => {
      const worker = await tcpWorker(t, (socket) => socket.pause())
      const upstreams = connectionsTo(t, worker.port)
      const app = await startTcp(t, [worker.url], { idleTimeout: 0, halfCloseTimeout: 100 })
      const client = await dialTcp(app.port)
      await until('the connection stands', () => upstreams.length === 1 && worker.sockets.length === 1)
      const [near, accepted] = [upstreams[0], app.accepted[0]]
      assert.ok(near && accepted)
      for (let sent = 16_000; near.writableLength === 0; sent += 16_000) {
        client.write(Buffer.alloc(16_000))
        while (accepted.bytesRead < sent && !accepted.destroyed) await turn()
        assert.equal(accepted.destroyed, false, 'it is cut while its client speaks')
      }
      assert.equal(accepted.isPaused(), false) // all that the client said was read
      worker.sockets[0]?.end()
      await once(near, 'end') // only now does a half linger, and is there a time for it
      if (how === 'closes') client.end()
      else client.resetAndDestroy()
      client.resume()
      await over(app)
      await until('the worker is cut', () => near.closed)
    })

  test('may take its time as long as it speaks', async (t) => {
    const worker = await tcpWorker(t, (socket) => {
      let left = 20
      const timer = setInterval(() => {
        if (--left > 0) socket.write('.')
        else socket.end()
        if (left === 0) clearInterval(timer)
      }, 50)
    })
    const app = await startTcp(t, [worker.url], { halfCloseTimeout: 700 })
    const client = await dialTcp(app.port)
    client.end()
    assert.equal(String(await whole(client)), '.'.repeat(19))
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
  })
})

suite('a reset', () => {
  test('by the client is one for the worker', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    client.write('x')
    await next(client)
    const how = ending(worker.sockets[0] as Socket)
    client.resetAndDestroy()
    assert.equal(await how, 'ECONNRESET')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { 'client-gone': 1 })
    assert.equal(app.pool.metrics.failed, 0)
  })

  test('by the worker is one for the client, and a failure', async (t) => {
    const worker = await tcpWorker(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    client.write('x')
    assert.equal(await ending(client), 'ECONNRESET')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { failed: 1 })
    assert.equal(app.pool.workers[0]?.failures.response, 1)
    assert.equal(app.pool.metrics.failed, 1)
    assert.equal(app.pool.workers[0]?.alive, true)
  })

  test('by the worker in the midst of its answer is not taken for its end', async (t) => {
    const worker = await tcpWorker(t, (socket) => {
      socket.write(Buffer.alloc(MB))
      socket.once('data', () => socket.resetAndDestroy())
    })
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    client.once('data', () => client.write('x'))
    assert.equal(await ending(client), 'ECONNRESET')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { failed: 1 })
  })

  test('by a client that has ended is one for the worker that still speaks', async (t) => {
    const worker = await tcpWorker(t, (socket) => {
      const speak = setInterval(() => socket.write('.'), 5)
      socket.on('close', () => clearInterval(speak)).resume()
    })
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    client.end()
    await next(client)
    client.resetAndDestroy()
    await over(app)
    await until('the worker is cut', () => worker.sockets[0]?.closed === true)
    assert.ok(worker.sockets[0]?.errored)
    assert.deepEqual(outcomes(app.pool.workers), { 'client-gone': 1 })
  })

  test('by a worker that has ended is one for the client that still speaks', async (t) => {
    const worker = await tcpWorker(t, (socket) => {
      socket.end('bye')
      socket.once('data', () => socket.resetAndDestroy())
    })
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    assert.equal(await next(client), 'bye')
    const speak = setInterval(() => client.write('.'), 5)
    client.on('close', () => clearInterval(speak))
    await over(app)
    await until('the client is cut', () => client.closed)
    assert.ok(client.errored)
    assert.deepEqual(outcomes(app.pool.workers), { failed: 1 })
  })
})

suite('an idle connection', () => {
  test('is cut after idleTimeout, and counted as idle', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url], { idleTimeout: 60 })
    const client = await dialTcp(app.port)
    client.write('x')
    await next(client)
    assert.equal(await ending(client), 'ECONNRESET')
    await over(app)
    await until('the worker is cut', () => worker.sockets[0]?.closed === true)
    assert.deepEqual(outcomes(app.pool.workers), { idle: 1 })
    assert.equal(app.pool.metrics.failed, 0)
  })

  for (const who of ['client', 'worker'])
    test(`is none as long as the ${who} speaks`, async (t) => {
      const speak = (socket: Socket): void => {
        const timer = setInterval(() => socket.write('.'), 50)
        socket.on('close', () => clearInterval(timer))
      }
      const worker = await tcpWorker(t, (socket) => {
        if (who === 'worker') speak(socket)
        socket.on('end', () => socket.end()).resume()
      })
      const app = await startTcp(t, [worker.url], { idleTimeout: 700 })
      const client = await dialTcp(app.port)
      if (who === 'client') speak(client)
      client.resume()
      const bytes = (): number => (app.pool.workers[0]?.sent ?? 0) + (app.pool.workers[0]?.received ?? 0)
      await until('it has lasted longer than that', () => bytes() >= 20)
      client.end()
      await over(app)
      assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
    })

  test('may be silent for ever where idleTimeout is 0', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url], { idleTimeout: 0 })
    const client = await dialTcp(app.port)
    client.write('x')
    await next(client)
    assert.equal(app.accepted[0]?.timeout, 0)
  })

  test('may be silent for ten minutes if nothing else is said', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    client.write('x')
    await next(client)
    assert.equal(app.accepted[0]?.timeout, 600_000)
    client.end()
    await until('the end is there', () => app.accepted[0]?.timeout === 60_000)
  })
})
