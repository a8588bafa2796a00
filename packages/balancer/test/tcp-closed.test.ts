import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { acceptProxyProtocol, balanceTcp, createPool, OptionError } from '../src/index.ts'
import type { ClosedTcp } from '../src/tcp/options.ts'
import { createAuthority } from './support/certificates.ts'
import { NEVER, poolOf } from './support/fakes.ts'
import { deadPort, listen } from './support/listen.ts'
import { LOOPBACK } from './support/proxied.ts'
import { dialTcp, fate, next, startTcp, tcpWorker, whole } from './support/tcp.ts'
import { until } from './support/until.ts'

/** Keeps what was told. */
function collecting(): { readonly told: ClosedTcp[]; readonly onClose: (closed: ClosedTcp) => void } {
  const told: ClosedTcp[] = []
  return { told, onClose: (closed) => void told.push(closed) }
}

suite('balanceTcp tells of a connection that is over', () => {
  test('who carried it how far, for whom, and how it ended', async (t) => {
    const worker = await tcpWorker(t)
    const { told, onClose } = collecting()
    const { port, pool } = await startTcp(t, [worker.url], { onClose })
    const client = await dialTcp(port)
    client.write('hello')
    await next(client)
    assert.equal(told.length, 0)
    client.end('bye')
    await whole(client)
    const broken = await dialTcp(port)
    broken.write('x')
    await next(broken)
    broken.resetAndDestroy()
    await until('both are told', () => told.length === 2)
    const [first] = pool.workers
    const common = { address: '127.0.0.1', worker: first, attempts: 1, error: undefined }
    assert.deepEqual(
      told.map(({ duration, ...rest }) => [duration >= 0, rest]),
      [
        [true, { ...common, outcome: 'closed', received: 8, sent: 8 }],
        [true, { ...common, outcome: 'client-gone', received: 1, sent: 1 }],
      ],
    )
  })

  test('after how many attempts', async (t) => {
    const [dead, worker] = [`http://127.0.0.1:${await deadPort()}`, await tcpWorker(t)]
    const { told, onClose } = collecting()
    const { port } = await startTcp(t, [dead, worker.url], { onClose })
    for (const client of [await dialTcp(port), await dialTcp(port)]) {
      client.end('x')
      await whole(client)
    }
    await until('both are told', () => told.length === 2)
    assert.deepEqual(new Set(told.map(({ attempts }) => attempts)), new Set([1, 2]))
    assert.deepEqual(new Set(told.map((one) => one.worker?.port)), new Set([worker.port]))
  })

  test('that no worker took, or that nobody was there for', async (t) => {
    const { told, onClose } = collecting()
    const { port, pool } = await startTcp(t, [`http://127.0.0.1:${await deadPort()}`], { onClose })
    await fate(port)
    await until('it is told', () => told.length === 1)
    void pool.drain(pool.workers[0]?.id ?? '')
    await fate(port)
    await until('both are told', () => told.length === 2)
    assert.deepEqual(
      told.map(({ outcome, attempts, worker }) => [outcome, attempts, worker === pool.workers[0]]),
      [
        ['failed', 1, true],
        ['failed', 0, false],
      ],
    )
    const [refused, nobody] = told.map(({ error }) => String(error))
    assert.match(refused ?? '', /^WorkerFailure: worker 127\.0\.0\.1:\d+: connect ECONNREFUSED /)
    assert.equal(nobody, 'NoWorkerError: no worker is available')
  })

  test('why its worker broke it off, or what a strategy has thrown', async (t) => {
    const worker = await tcpWorker(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { told, onClose } = collecting()
    const broken = await startTcp(t, [worker.url], { onClose })
    const client = await dialTcp(broken.port)
    client.on('error', () => {}).write('x')
    const strategy = (): never => {
      throw new Error('out of luck')
    }
    const luckless = await startTcp(t, [worker.url], { onClose, pool: { strategy } })
    await until('the first is told', () => told.length === 1)
    await fate(luckless.port)
    await until('both are told', () => told.length === 2)
    const [first, second] = told.map(({ error }) => String(error))
    assert.match(first ?? '', /^WorkerFailure: worker 127\.0\.0\.1:\d+: read ECONNRESET$/)
    assert.equal(second, 'Error: out of luck')
  })

  test('and goes on where the listener throws', async (t) => {
    const worker = await tcpWorker(t)
    const thrown: unknown[] = []
    const keep = (error: unknown): void => void thrown.push(error)
    const { port, pool } = await startTcp(t, [worker.url], {
      onClose() {
        throw new Error('own fault')
      },
    })
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').once('uncaughtException', keep)
    const client = await dialTcp(port)
    client.end()
    await whole(client)
    await until('it is over', () => pool.metrics.active === 0 && thrown.length === 1)
    for (const other of others) process.on('uncaughtException', other)
    assert.equal(pool.workers[0]?.inFlight, 0)
  })

  test('to a function alone', (t) => {
    const pool = poolOf(t, ['http://localhost:1'])
    assert.throws(() => balanceTcp(pool, { onClose: 'log' as never }), OptionError)
  })
})

test('a PROXY header comes before the TLS to a worker, and does not count', async (t) => {
  const authority = createAuthority(t)
  const { cert, key } = authority.issue(['127.0.0.1'])
  const clients: (string | undefined)[] = []
  const server = createTls({ cert, key }, (socket) => {
    clients.push(`${socket.remoteAddress}:${socket.remotePort}`)
    socket.pipe(socket)
  })
  acceptProxyProtocol(server, { trustedProxies: LOOPBACK })
  const worker = await listen(t, server)
  for (const send of ['v1', 'v2'] as const) {
    const pool = createPool([`tls://127.0.0.1:${worker}`], {
      tls: { ca: authority.cert },
      health: { schedule: NEVER, proxyProtocol: 'v2' },
    })
    const { port } = await startTcp(t, [], { of: pool, proxyProtocol: { send } })
    const client = await dialTcp(port)
    const { localPort } = client
    client.end('hello')
    assert.equal(String(await whole(client)), 'hello')
    assert.equal(clients.at(-1), `127.0.0.1:${localPort}`)
    await until('it is over', () => pool.metrics.active === 0)
    assert.deepEqual([pool.workers[0]?.sent, pool.workers[0]?.received], [5, 5])
  }
})
