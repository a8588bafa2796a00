import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { acceptProxyProtocol } from '../src/index.ts'
import { accepting, all, ask, dialed, endsOf, HEADERS, LOOPBACK, SHOWN } from './support/proxied.ts'
import { nothingLeft, resources } from './support/resources.ts'
import { until } from './support/until.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const show: RequestListener = (req, res) => void res.end(endsOf(req.socket))

/** A server that fails a test in which it gets to see a connection. */
function unseen(): Server {
  return createServer(() => assert.fail('a connection got through'))
}

/** Resolves when the other side has closed the connection, in whatever way. */
async function closed(socket: Socket): Promise<void> {
  socket.resume()
  await until('it is closed', () => socket.readableEnded || socket.closed)
}

/** How many connections a server has. */
function count(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, number) => (error ? reject(error) : resolve(number))),
  )
}

/** The connections of a server as they come, before their header is read. */
function arrivalsAt(server: Server): Socket[] {
  const arrivals: Socket[] = []
  const emit = server.emit.bind(server) as (event: string, ...values: unknown[]) => boolean
  server.emit = (event: string, ...values: unknown[]) => {
    if (event === 'connection') arrivals.push(values[0] as Socket)
    return emit(event, ...values)
  }
  return arrivals
}

suite('in place of a header of the PROXY protocol', () => {
  const malformed: Record<string, string | Buffer> = {
    'a request': GET,
    'one byte of another protocol': '\x16',
    'a line that goes on and on': `PROXY UNKNOWN ${'x'.repeat(200)}`,
    'a port with a leading zero': 'PROXY TCP4 1.2.3.4 5.6.7.8 011 22\r\n',
    'version 3': Buffer.from('0d0a0d0a000d0a515549540a31', 'hex'),
    'version 2 that says it has 65 535 bytes': Buffer.from('0d0a0d0a000d0a515549540a2111ffff', 'hex'),
  }
  for (const [name, bytes] of Object.entries(malformed))
    test(`${name} has the connection closed`, async (t) => {
      const { port, refused } = await accepting(t, unseen())
      const socket = await dialed(t, port)
      socket.write(bytes)
      await closed(socket)
      assert.deepEqual(refused, ['proxy-malformed'])
    })

  for (const version of ['v1', 'v2'] as const)
    for (const end of ['end', 'resetAndDestroy'] as const)
      test(`a part of ${version} and then ${end} is malformed, wherever it breaks off`, async (t) => {
        const server = createHttp(() => assert.fail('a request got through'))
        server.on('clientError', () => assert.fail('an error got through'))
        const { port, refused } = await accepting(t, server)
        const arrivals = arrivalsAt(server)
        const header = HEADERS[version]
        for (const length of [1, 5, 12, 13, 16, 20, header.length - 1]) {
          const socket = await dialed(t, port)
          socket.write(header.subarray(0, length))
          await until('it was read', () => arrivals.at(-1)?.bytesRead === length)
          socket[end]()
          await until('it is closed', async () => (await count(server)) === 0)
        }
        assert.deepEqual(refused, Array(7).fill('proxy-malformed'))
      })

  test('nothing at all and an end, as of who looks whether the port is open, is closed and not counted', async (t) => {
    const server = unseen()
    const { port, refused } = await accepting(t, server)
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const socket = await dialed(t, port)
      await until('it has come', async () => (await count(server)) === 1)
      socket[leave]()
      await closed(socket)
      await until('it is closed', async () => (await count(server)) === 0)
    }
    assert.deepEqual(refused, [])
  })

  test('nothing, of who has gone before the connection was taken, is closed and not counted', async (t) => {
    const server = unseen()
    const { port, refused } = await accepting(t, server)
    const arrivals = arrivalsAt(server)
    const visit = `const socket = net.connect(${port}, '127.0.0.1', () => socket.resetAndDestroy())`
    spawnSync(process.execPath, ['-e', visit]) // which has no connection taken meanwhile
    await until('it has come', () => arrivals.length === 1)
    await until('it is closed', async () => (await count(server)) === 0)
    assert.deepEqual([arrivals[0]?.destroyed, refused], [true, []])
  })

  for (const [name, bytes] of [
    ['nothing', ''],
    ['a part', 'PROXY TCP4 1.2'],
  ] as const)
    test(`${name} for too long has the connection closed`, async (t) => {
      const { port, refused } = await accepting(t, unseen(), { timeout: 30 })
      const socket = await dialed(t, port)
      socket.write(bytes)
      await closed(socket)
      assert.deepEqual(refused, ['proxy-timeout'])
    })

  test('a header byte by byte does not get more time with each', async (t) => {
    const { port, refused } = await accepting(t, unseen(), { timeout: 50 })
    const socket = await dialed(t, port)
    socket.write('PROXY UNKNOWN ')
    const trickle = setInterval(() => socket.write('x'), 10)
    await closed(socket)
    clearInterval(trickle)
    assert.deepEqual(refused, ['proxy-timeout'])
  })

  test('a good one of an untrusted peer has the connection closed, unread', async (t) => {
    const asked: [string, number][] = []
    const trustedProxies = (...question: [string, number]): boolean => (asked.push(question), false)
    const { port, refused } = await accepting(t, unseen(), { trustedProxies })
    const socket = await dialed(t, port)
    socket.write(HEADERS.v2)
    await closed(socket)
    assert.deepEqual([refused, asked], [['proxy-untrusted'], [['127.0.0.1', 0]]])
  })

  test('who was refused is told, with the address that the connection has', async (t) => {
    const server = unseen()
    const told: string[] = []
    const onRefused = (kind: string, socket: Socket): void =>
      void told.push(`${kind} ${socket.remoteAddress}:${socket.remotePort}`)
    const { port } = await accepting(t, server, { onRefused })
    const socket = await dialed(t, port)
    const { localPort } = socket
    socket.end('PROXY ')
    await closed(socket)
    assert.deepEqual(told, [`proxy-malformed 127.0.0.1:${localPort}`])
  })

  test('a refusal is for one connection: the next one is served', async (t) => {
    const { port, refused } = await accepting(t, createHttp(show))
    await ask(t, port, Buffer.alloc(0), GET).catch(() => {})
    assert.ok((await ask(t, port, HEADERS.v1, GET)).endsWith(SHOWN))
    assert.deepEqual(refused, ['proxy-malformed'])
  })
})

suite('a connection that waits for its header', () => {
  test('counts among maxConnections', async (t) => {
    const server = createHttp(show)
    server.maxConnections = 1
    const { port } = await accepting(t, server)
    const waiting = await dialed(t, port)
    await until('it has come', async () => (await count(server)) === 1)
    const dropped = once(server, 'drop')
    const beyond = await dialed(t, port)
    await Promise.all([dropped, closed(beyond)])
    const answer = all(waiting)
    waiting.write(Buffer.concat([HEADERS.v2, Buffer.from(GET)]))
    assert.ok((await answer).endsWith(SHOWN))
  })

  test('has its time when the server closes, and is answered', async (t) => {
    const server = createHttp(show)
    const { port } = await accepting(t, server)
    const socket = await dialed(t, port)
    const answer = all(socket)
    await until('it has come', async () => (await count(server)) === 1)
    const over = new Promise((resolve) => server.close(resolve))
    server.closeIdleConnections()
    socket.write(Buffer.concat([HEADERS.v2, Buffer.from(GET)]))
    assert.ok((await answer).endsWith(SHOWN))
    await over
  })

  test('does not keep a server from closing for longer than that', async (t) => {
    for (const server of [createHttp(show), createServer()]) {
      const { port, refused } = await accepting(t, server, { timeout: 50 })
      await dialed(t, port)
      await until('it has come', async () => (await count(server)) === 1)
      await new Promise((resolve) => server.close(resolve))
      assert.deepEqual(refused, ['proxy-timeout'])
    }
  })

  test('is cut with all others, and is no refusal', async (t) => {
    const server = createHttp(show)
    const { port, refused } = await accepting(t, server)
    const socket = await dialed(t, port)
    socket.write('PROXY ')
    await until('it has come', async () => (await count(server)) === 1)
    const over = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await Promise.all([over, closed(socket)])
    assert.deepEqual(refused, [])
  })

  test('is idle like any other once it has its header and its answer', async (t) => {
    const server = createHttp(show)
    const { port } = await accepting(t, server)
    const socket = await dialed(t, port)
    socket.write(Buffer.concat([HEADERS.v1, Buffer.from(GET.replace('close', 'keep-alive'))]))
    await once(socket, 'data')
    const over = new Promise((resolve) => server.close(resolve))
    await until('idle ones are closed', () => {
      server.closeIdleConnections()
      return socket.readableEnded || socket.resume().closed
    })
    await over
  })

  test('leaves nothing behind, however it goes', async (t) => {
    const before = resources()
    const server = createHttp(show)
    acceptProxyProtocol(server, { trustedProxies: LOOPBACK, timeout: 60_000 })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const ways: ((socket: Socket) => unknown)[] = [
      (socket) => socket.end(),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.end('PROXY'),
      (socket) => socket.write('GET'),
      (socket) => socket.write('PROXY', () => socket.resetAndDestroy()),
      (socket) => socket.end(Buffer.concat([HEADERS.v2, Buffer.from(GET)])),
      (socket) => socket.end(HEADERS.v2),
    ]
    const sockets = await Promise.all(Array.from({ length: 70 }, () => dialed(t, port)))
    await Promise.all(
      sockets.map(async (socket, i) => {
        ways[i % ways.length]?.(socket)
        await closed(socket)
        socket.destroy()
      }),
    )
    await until('all are gone', async () => (await count(server)) === 0)
    await new Promise((resolve) => server.close(resolve))
    await nothingLeft(before)
  })

  test('is read before its time is over, where the event loop was blocked', async (t) => {
    const server = createHttp(show)
    const { port, refused } = await accepting(t, server, { timeout: 100 })
    const socket = await dialed(t, port)
    const answer = all(socket)
    await until('it has come', async () => (await count(server)) === 1)
    socket.write(Buffer.concat([HEADERS.v2, Buffer.from(GET)]))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    assert.ok((await answer).endsWith(SHOWN))
    assert.deepEqual(refused, [])
  })
})
