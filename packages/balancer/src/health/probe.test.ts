import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import dns from 'node:dns'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { deadPort, listen } from '../../test/support/listen.ts'
import { describe } from '../errors.ts'
import { Worker } from '../worker.ts'
import { httpProbe } from './probe.ts'

const patient = new AbortController().signal

async function serving(t: TestContext, answer: RequestListener) {
  const server = createServer(answer)
  const port = await listen(t, server)
  return { server, worker: new Worker(`http://127.0.0.1:${port}`, 0, 'worker') }
}

/** The next connection to a server, once it has closed. */
async function nextClosed(server: Server): Promise<void> {
  const socket = await new Promise<Socket>((resolve) => server.once('connection', resolve))
  await new Promise((resolve) => socket.once('close', resolve))
}

/** Resolves when the head of a response has come to a client of this process. */
function anyAnswer(): Promise<void> {
  const channel = 'http.client.response.finish'
  return new Promise((resolve) => {
    const seen = (): void => {
      unsubscribe(channel, seen)
      resolve()
    }
    subscribe(channel, seen)
  })
}

suite('a worker is well', () => {
  for (const status of [200, 204, 299])
    test(`when it answers ${status}`, async (t) => {
      const { worker } = await serving(t, (_req, res) => void res.writeHead(status).end())
      await httpProbe('/health')(worker, patient)
    })

  test('when it answers at length, to the end', async (t) => {
    let answered = false
    const { worker } = await serving(t, (_req, res) => {
      res.on('finish', () => (answered = true)).end(Buffer.alloc(4_000_000))
    })
    await httpProbe('/health')(worker, patient)
    assert.equal(answered, true)
  })

  test('when interim responses come first', async (t) => {
    const { worker } = await serving(t, (_req, res) => {
      res.writeProcessing()
      res.end('well')
    })
    await httpProbe('/health')(worker, patient)
  })
})

suite('a worker is not well, and the reason says why,', () => {
  for (const status of [301, 304, 404, 500, 503])
    test(`when it answers ${status}`, async (t) => {
      const { worker } = await serving(t, (_req, res) => {
        res.writeHead(status, { location: '/elsewhere' }).end(status === 304 ? '' : 'a body')
      })
      await assert.rejects(httpProbe('/health')(worker, patient), {
        message: `GET /health answered ${status}`,
      })
    })

  test('when it switches protocols', async (t) => {
    const answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
    const port = await listen(
      t,
      createTcpServer((socket) => void socket.once('data', () => socket.write(answer))),
    )
    const worker = new Worker(`http://127.0.0.1:${port}`, 0, 'worker')
    await assert.rejects(httpProbe('/health')(worker, patient), { message: 'GET /health answered 101' })
  })

  test('when it answers something that is not HTTP', async (t) => {
    const port = await listen(
      t,
      createTcpServer((socket) => void socket.end('SSH-2.0-x\r\n')),
    )
    const worker = new Worker(`http://127.0.0.1:${port}`, 0, 'worker')
    await assert.rejects(httpProbe('/health')(worker, patient), /Parse Error/)
  })

  test('when it breaks off in its answer', async (t) => {
    const { worker } = await serving(t, (_req, res) => {
      res.writeHead(200, { 'content-length': 10 })
      res.write('half', () => res.destroy())
    })
    await assert.rejects(httpProbe('/health')(worker, patient), /aborted/)
  })

  test('when it refuses the connection', async () => {
    const worker = new Worker(`http://127.0.0.1:${await deadPort()}`, 0, 'worker')
    await assert.rejects(
      httpProbe('/health')(worker, patient),
      /^Error: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
    )
  })

  test('when it refuses the connection on each of the addresses of its name', async (t) => {
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ]
    const lookup = (
      _host: string,
      _options: object,
      found: (error: null, all: typeof addresses) => void,
    ): void => found(null, addresses)
    t.mock.method(dns, 'lookup', lookup as never)
    const worker = new Worker(`http://localhost:${await deadPort()}`, 0, 'worker')
    const error = await httpProbe('/health')(worker, patient).then(
      () => assert.fail('it is well'),
      (error: unknown) => error,
    )
    assert.match(
      describe(error),
      /^connect ECONNREFUSED 127\.0\.0\.1:\d+; connect ECONNREFUSED 127\.0\.0\.2:\d+$/,
    )
  })
})

suite('the deadline ends the probe of a worker', () => {
  for (const [what, answer] of [
    ['that sends its head and stalls', (_req, res) => res.writeHead(200).flushHeaders()],
    [
      'whose body never ends',
      (_req, res) => {
        const more = (): void => void (res.destroyed || res.write('more', () => setImmediate(more)))
        more()
      },
    ],
  ] satisfies [string, RequestListener][])
    test(what, async (t) => {
      const { server, worker } = await serving(t, answer)
      const deadline = new AbortController()
      const closed = nextClosed(server)
      const probed = httpProbe('/health')(worker, deadline.signal)
      await anyAnswer()
      deadline.abort()
      await assert.rejects(probed)
      await closed
    })

  test('that does not answer', async (t) => {
    const { server, worker } = await serving(t, () => {})
    const deadline = new AbortController()
    const closed = nextClosed(server)
    server.once('request', () => deadline.abort())
    await assert.rejects(httpProbe('/health')(worker, deadline.signal), { name: 'AbortError' })
    await closed
  })

  test('before it goes out, if it is over by then', async (t) => {
    const { worker } = await serving(t, (_req, res) => void res.end())
    await assert.rejects(httpProbe('/health')(worker, AbortSignal.abort()), { name: 'AbortError' })
  })
})

suite('the request of a probe', () => {
  test('is a GET of the path, that says whom it wants and who it is', async (t) => {
    const asked: IncomingMessage[] = []
    const { worker } = await serving(t, (req, res) => {
      asked.push(req)
      res.end()
    })
    await httpProbe('/up?deep=1')(worker, patient)
    const [{ method, url, headers } = assert.fail()] = asked
    assert.deepEqual([method, url], ['GET', '/up?deep=1'])
    assert.equal(headers.host, `127.0.0.1:${worker.port}`)
    assert.equal(headers['user-agent'], 'rondo-health')
  })

  test('has a connection of its own, which closes after it', async (t) => {
    const asked: (string | undefined)[] = []
    const { server, worker } = await serving(t, ({ headers }, res) => {
      asked.push(headers.connection)
      res.end('well')
    })
    const sockets = new Set<Socket>()
    server.on('connection', (socket) => sockets.add(socket))
    const closed = nextClosed(server)
    for (let i = 0; i < 3; i++) await httpProbe('/health')(worker, patient)
    assert.deepEqual([sockets.size, asked], [3, ['close', 'close', 'close']])
    await closed
  })

  test('reaches a worker by the literal of its IPv6 address', async (t) => {
    const server = createServer((_req, res) => void res.end())
    const port = await listen(t, server, '::1').catch(() => undefined)
    if (port === undefined) return t.skip('no IPv6 here')
    await httpProbe('/health')(new Worker(`http://[::1]:${port}`, 0, 'worker'), patient)
  })
})
