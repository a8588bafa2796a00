import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { heldProbe } from './support/fakes.ts'
import {
  assertCounts,
  connectionsTo,
  dialTcp,
  next,
  outcomes,
  over,
  startTcp,
  tcpWorker,
  whole,
} from './support/tcp.ts'
import { until } from './support/until.ts'

const MB = 1_000_000

/** Bytes of which no two places look alike. */
function* noise(length: number, seed: number): Generator<Buffer> {
  for (let left = length, i = seed; left > 0; i++) {
    const part = createHash('shake256', { outputLength: Math.min(left, 50_000) })
      .update(`${i}`)
      .digest()
    left -= part.length
    yield part
  }
}

function digest(parts: Iterable<Buffer>): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** Takes what comes, slowly if it is told so, and says at its end what it was. */
async function take(socket: Socket, isSlow: boolean): Promise<string> {
  const hash = createHash('sha256')
  const sink = new Writable({
    write(chunk: Buffer, _encoding, taken) {
      hash.update(chunk)
      if (isSlow) void turn().then(() => taken())
      else taken()
    },
  })
  for await (const chunk of socket) if (!sink.write(chunk)) await once(sink, 'drain')
  return hash.digest('hex')
}

suite('a balanced TCP connection', () => {
  test('carries what either side says, and counts the bytes', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    client.write('PING\r\n')
    assert.equal(await next(client), 'PING\r\n')
    const { inFlight, received, sent } = app.pool.workers[0] ?? assert.fail()
    assert.deepEqual([inFlight, received, sent, app.pool.metrics.active], [1, 6, 6, 1])
    client.end('QUIT')
    assert.equal(String(await whole(client)), 'QUIT')
    await over(app)
    const [stats] = app.pool.stats().workers
    assert.deepEqual([stats?.received, stats?.sent, stats?.attempts, stats?.inFlight], [10, 10, 1, 0])
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
    assertCounts(app, { total: 1 })
  })

  test('carries what a worker says first', async (t) => {
    const worker = await tcpWorker(t, (socket) => socket.end('220 hello\r\n'))
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    assert.equal(String(await whole(client)), '220 hello\r\n')
    client.end()
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
  })

  test('reaches a worker by a name that has several addresses', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [`http://localhost:${worker.port}`])
    const client = await dialTcp(app.port)
    const all = Buffer.concat(Array.from(noise(MB, 3)))
    client.end(all)
    assert.deepEqual(await whole(client), all)
    await over(app)
  })

  test('carries parts of any size, each as it was, beside others', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url])
    const visit = async (_: unknown, i: number): Promise<void> => {
      const client = await dialTcp(app.port)
      const parts = [1, 2047, 2048, 2049, 65_535, 65_536, 65_537, 300_000, 10].map((size, at) =>
        Buffer.concat(Array.from(noise(size, 1000 * i + at))),
      )
      for (const part of parts) {
        client.write(part)
        const got: Buffer[] = []
        for (let length = 0; length < part.length; length += got.at(-1)?.length ?? 0)
          got.push(((await once(client, 'data')) as [Buffer])[0])
        assert.ok(Buffer.concat(got).equals(part), `${part.length} bytes`)
      }
      client.end()
      await whole(client)
    }
    await Promise.all(Array.from({ length: 40 }, visit))
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 40 })
  })

  test('carries single bytes, in their order and without delay', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url])
    const client = await dialTcp(app.port)
    for (let i = 0; i < 300; i++) {
      client.write(Buffer.of(i % 256))
      assert.deepEqual(await once(client, 'data'), [Buffer.of(i % 256)])
    }
    for (let i = 0; i < 1000; i++) client.write(Buffer.of(i % 256))
    client.end()
    assert.deepEqual(await whole(client), Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256)))
  })

  for (const slow of ['nobody', 'the client', 'the worker'])
    test(`carries 20 MB each way at once, and holds little of it, where ${slow} reads slowly`, async (t) => {
      let got: Promise<string> | undefined
      const worker = await tcpWorker(t, (socket) => {
        void pipeline(Readable.from(noise(20 * MB, 1000)), socket)
        got = take(socket, slow === 'the worker')
      })
      const app = await startTcp(t, [worker.url])
      const upstreams = connectionsTo(t, worker.port)
      let held = 0
      const look = setInterval(() => {
        for (const { readableLength, writableLength } of [...app.accepted, ...upstreams])
          held = Math.max(held, readableLength + writableLength)
      }, 1)
      const client = await dialTcp(app.port)
      const sent = pipeline(Readable.from(noise(20 * MB, 5000)), client)
      const down = await take(client, slow === 'the client')
      await sent
      await until('the connection is over', () => app.pool.metrics.active === 0)
      clearInterval(look)
      assert.equal(down, digest(noise(20 * MB, 1000)))
      assert.equal(await got, digest(noise(20 * MB, 5000)))
      const { received, sent: up } = app.pool.workers[0] ?? assert.fail()
      assert.deepEqual([received, up], [20 * MB, 20 * MB])
      assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
      assert.equal(upstreams.length, 1)
      assert.ok(held > 0 && held <= 400_000, `${held} bytes were held`)
    })

  for (const silent of ['client', 'worker'])
    test(`is read no further where the ${silent} does not read at all`, async (t) => {
      const worker = await tcpWorker(t, (socket) => socket.pause())
      const app = await startTcp(t, [worker.url])
      const upstreams = connectionsTo(t, worker.port)
      const client = await dialTcp(app.port)
      await until('the connection stands', () => worker.sockets.length === 1 && upstreams.length === 1)
      const [far, near, accepted] = [worker.sockets[0], upstreams[0], app.accepted[0]]
      assert.ok(far && near && accepted)
      const [source, from, to] = silent === 'worker' ? [client, accepted, near] : [far, near, accepted]
      const flow = Readable.from(noise(100 * MB, 0))
      flow.on('data', (part) => source.write(part) || flow.pause())
      source.on('drain', () => flow.resume())
      for (let read = 0; read === 0 || read !== from.bytesRead;) {
        read = from.bytesRead
        for (let i = 0; i < 300; i++) await turn()
      }
      assert.ok(from.bytesRead < 50 * MB, `${from.bytesRead} bytes were read`)
      assert.ok(to.writableLength + from.readableLength < 400_000)
      flow.destroy()
      client.resetAndDestroy()
    })

  for (const size of [1, 300_000])
    test(`gets ${size} bytes whole that were sent before it stood, and the end`, async (t) => {
      const { calls, probe } = heldProbe()
      const worker = await tcpWorker(t)
      const app = await startTcp(t, [worker.url], { pool: { probe }, isReady: false })
      const client = await dialTcp(app.port)
      const all = Buffer.concat(Array.from(noise(size, 7)))
      client.end(all)
      await until('some of it is there', () => (app.accepted[0]?.readableLength ?? 0) > 0)
      assert.equal(worker.sockets.length, 0)
      calls[0]?.pass()
      assert.deepEqual(await whole(client), all)
      await over(app)
      assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
    })

  test('tells the worker of an end without a byte that came before it stood', async (t) => {
    const { calls, probe } = heldProbe()
    const worker = await tcpWorker(t, (socket) => socket.on('end', () => socket.end('bye')).resume())
    const app = await startTcp(t, [worker.url], { pool: { probe }, isReady: false })
    const client = await dialTcp(app.port)
    client.end()
    await until('the end is there', () => app.accepted[0]?.readableEnded === true)
    calls[0]?.pass()
    assert.equal(String(await whole(client)), 'bye')
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
  })

  test('may come and go a thousand times', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url])
    const visit = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        const client = await dialTcp(app.port)
        client.end('x')
        assert.equal(String(await whole(client)), 'x')
      }
    }
    await Promise.all(Array.from({ length: 20 }, visit))
    await over(app)
    assertCounts(app, { total: 1000 })
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1000 })
    assert.deepEqual([app.pool.workers[0]?.received, app.pool.workers[0]?.sent], [1000, 1000])
  })
})

suite('a port scan', () => {
  test('leaves nothing behind', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url])
    for (let i = 0; i < 20; i++) {
      const client = await dialTcp(app.port)
      if (i % 2 === 0) client.resetAndDestroy()
      else client.destroy()
    }
    await until('all came', () => app.pool.metrics.total === 20)
    await over(app)
    await until('the worker is left alone', () => worker.sockets.every(({ closed }) => closed))
    assert.equal(app.pool.metrics.failed, 0)
  })
})
