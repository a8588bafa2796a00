import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { createServer as createTls } from 'node:tls'
import {
  acceptProxyProtocol,
  balanceTcp,
  createPool,
  OptionError,
  type BalanceTcpOptions,
  type Pool,
} from '../src/index.ts'
import { decodeProxy } from '../src/tcp/proxy-protocol-decode.ts'
import { STEADY } from './support/app.ts'
import { createAuthority } from './support/certificates.ts'
import { deadPort, listen } from './support/listen.ts'
import {
  accepting,
  all,
  ARRIVALS,
  ask,
  askTls,
  dialed,
  endsOf,
  HEADERS,
  LOOPBACK,
  send,
  SHOWN,
} from './support/proxied.ts'
import { until } from './support/until.ts'

const VERSIONS = ['v1', 'v2'] as const

interface Stage {
  readonly server: Server
  readonly pool: Pool
}

/** A server that balances over workers at these ports; not yet listening. */
function stage(t: TestContext, ports: readonly number[], options: BalanceTcpOptions, tls?: object): Stage {
  const pool = createPool(
    ports.map((port) => `http://127.0.0.1:${port}`),
    STEADY,
  )
  const balance = balanceTcp(pool, options)
  t.after(async () => {
    await balance.close({ timeout: 1 })
    await pool.close({ timeout: 1 })
  })
  const listener = (socket: Socket): void => balance(socket)
  return { pool, server: tls ? createTls(tls, listener) : createServer(listener) }
}

/** A worker that keeps all it gets, and answers with how many bytes that was once its client has ended. */
async function startKeeper(t: TestContext): Promise<{ port: number; got: Buffer[] }> {
  const got: Buffer[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => {
      const bytes = Buffer.concat(chunks)
      got.push(bytes)
      socket.end(`${bytes.length}`)
    })
  })
  return { got, port: await listen(t, server) }
}

/** A worker that accepts headers and answers each connection with its ends, and with what it was sent. */
async function startAccepting(t: TestContext): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write(`${endsOf(socket)} `)
    socket.pipe(socket)
  })
  return (await accepting(t, server)).port
}

/** Sends `payload`, ends, and waits for the answer. */
async function exchange(socket: Socket, payload: string | Buffer): Promise<string> {
  const answer = all(socket)
  socket.end(payload)
  return answer
}

suite('balanceTcp that sends a header of the PROXY protocol', () => {
  for (const version of VERSIONS)
    test(`${version}: the worker gets the client's ends first, and then its bytes`, async (t) => {
      const worker = await startKeeper(t)
      const { server, pool } = stage(t, [worker.port], { proxyProtocol: { send: version } })
      const port = await listen(t, server)
      const socket = await dialed(t, port)
      const { localPort } = socket
      await exchange(socket, 'hello')
      const [bytes = Buffer.alloc(0)] = worker.got
      const header = decodeProxy(bytes)
      assert.ok(typeof header === 'object')
      assert.deepEqual(header.ends, {
        source: { address: '127.0.0.1', port: localPort },
        destination: { address: '127.0.0.1', port },
      })
      assert.equal(bytes.subarray(header.length).toString(), 'hello')
      const [first] = pool.workers
      await until('the connection is over', () => first?.inFlight === 0)
      assert.deepEqual([first?.sent, first?.received], [5, String(bytes.length).length])
    })

  test('tells IPv6 ends, and IPv4 as such where it listens for both', async (t) => {
    const worker = await startAccepting(t)
    const { server } = stage(t, [worker], { proxyProtocol: { send: 'v2' } })
    const port = await listen(t, server, '::')
    const six = await dialed(t, port, '::1')
    const four = await dialed(t, port)
    const [one, other] = [`::1:${six.localPort}`, `127.0.0.1:${four.localPort}`]
    assert.equal(await exchange(six, 'x'), `${one} IPv6 > ::1:${port} x`)
    assert.equal(await exchange(four, 'x'), `${other} IPv4 > 127.0.0.1:${port} x`)
  })

  test('does so at once, without waiting for a byte of the client', async (t) => {
    const server = createServer((socket) => socket.end(endsOf(socket)))
    const worker = await accepting(t, server)
    const balancing = stage(t, [worker.port], { proxyProtocol: { send: 'v1' } })
    const socket = await dialed(t, await listen(t, balancing.server))
    const { localPort } = socket
    assert.ok((await all(socket)).startsWith(`127.0.0.1:${localPort} `))
  })

  test('does so where the first worker refuses, to the one that takes the connection', async (t) => {
    const worker = await startAccepting(t)
    const { server, pool } = stage(t, [await deadPort(), worker], { proxyProtocol: { send: 'v2' } })
    const port = await listen(t, server)
    for (let i = 0; i < 2; i++) {
      const socket = await dialed(t, port)
      const { localPort } = socket
      assert.equal(await exchange(socket, 'x'), `127.0.0.1:${localPort} IPv4 > 127.0.0.1:${port} x`)
    }
    assert.ok(pool.metrics.retries > 0)
  })

  test('sends it before the handshake to a worker by TLS, and counts what is within alone', async (t) => {
    const authority = createAuthority(t)
    const { cert, key } = authority.issue(['127.0.0.1'])
    const server = createTls({ cert, key }, (socket) =>
      socket.once('data', (data) => socket.end(`${String(data)} ${endsOf(socket)}`)),
    )
    const worker = await accepting(t, server)
    const pool = createPool([`tls://127.0.0.1:${worker.port}`], { ...STEADY, tls: { ca: authority.cert } })
    const balance = balanceTcp(pool, { proxyProtocol: { send: 'v2' } })
    t.after(async () => {
      await balance.close({ timeout: 1 })
      await pool.close({ timeout: 1 })
    })
    const port = await listen(
      t,
      createServer((socket) => balance(socket)),
    )
    const socket = await dialed(t, port)
    const { localPort } = socket
    assert.equal(await exchange(socket, 'x'), `x 127.0.0.1:${localPort} IPv4 > 127.0.0.1:${port}`)
    await until('the connection is over', () => pool.metrics.active === 0)
    assert.equal(pool.workers[0]?.sent, 1)
  })

  test('knows two versions, and says who accepts', async (t) => {
    const pool = createPool(['http://127.0.0.1:1'], STEADY)
    t.after(() => pool.close())
    for (const [option, proxyProtocol] of [
      ['proxyProtocol.send', { send: 'v3' }],
      ['proxyProtocol.send', { send: true }],
      ['proxyProtocol.accept', { accept: true, send: 'v2' }],
      ['proxyProtocol', 'v2'],
      ['proxyProtocol', null],
    ] as const)
      assert.throws(
        () => balanceTcp(pool, { proxyProtocol } as never),
        (error) => error instanceof OptionError && error.option === option,
      )
  })
})

suite('balanceTcp behind a proxy', () => {
  for (const version of VERSIONS)
    for (const arrival of ARRIVALS)
      test(`passes on who its client is: ${version}, ${arrival}`, async (t) => {
        const worker = await startAccepting(t)
        const { server } = stage(t, [worker], { proxyProtocol: { send: version } })
        const { port } = await accepting(t, server)
        const socket = await dialed(t, port)
        const answer = all(socket)
        await send(socket, Buffer.concat([HEADERS[version], Buffer.from('hello')]), arrival)
        socket.end()
        assert.equal(await answer, `${SHOWN} hello`)
      })

  test('passes it on from TLS too', async (t) => {
    const server = createServer((socket) =>
      socket.once('data', (data) => socket.end(`${String(data)} ${endsOf(socket)}`)),
    )
    const worker = await accepting(t, server)
    const tls = createAuthority(t).issue(['127.0.0.1'])
    const balancing = stage(t, [worker.port], { proxyProtocol: { send: 'v2' } }, tls)
    const { port } = await accepting(t, balancing.server)
    assert.equal(await askTls(t, port, HEADERS.v1, 'hello', 'in one segment'), `hello ${SHOWN}`)
  })

  test('takes the header off where it sends none', async (t) => {
    const worker = await startKeeper(t)
    const { server, pool } = stage(t, [worker.port], {})
    const { port } = await accepting(t, server)
    for (const payload of ['hello', '']) {
      const socket = await dialed(t, port)
      const bytes = Buffer.concat([HEADERS.v2, Buffer.from(payload)])
      assert.equal(await exchange(socket, bytes), `${payload.length}`)
    }
    assert.deepEqual(worker.got.map(String), ['hello', ''])
    await until('all is over', () => pool.metrics.active === 0)
    assert.equal(pool.metrics.total, 2)
  })

  test('passes untouched what looks like a header where it accepts none', async (t) => {
    const worker = await startKeeper(t)
    const { server } = stage(t, [worker.port], {})
    const socket = await dialed(t, await listen(t, server))
    await exchange(socket, HEADERS.v1)
    assert.deepEqual(worker.got, [HEADERS.v1])
  })

  test('chooses by the address of the header', async (t) => {
    const seen = new Set<string | undefined>()
    const pool = createPool(['http://127.0.0.1:1'], {
      ...STEADY,
      strategy: (_eligible, client) => void seen.add(client.ip),
    })
    t.after(() => pool.close())
    const balance = balanceTcp(pool)
    const { port } = await accepting(
      t,
      createServer((socket) => balance(socket)),
    )
    await assert.rejects(ask(t, port, HEADERS.v2, 'x'))
    assert.deepEqual([...seen], ['203.0.113.7'])
  })

  test('carries megabytes both ways, whole, behind headers on either side', async (t) => {
    const worker = await startAccepting(t)
    const { server, pool } = stage(t, [worker], { proxyProtocol: { send: 'v1' } })
    const { port } = await accepting(t, server)
    const payload = Buffer.alloc(8_000_000, 'Each header comes once, and before all else.\r\n')
    const socket = await dialed(t, port)
    const hash = createHash('sha256')
    let length = 0
    socket.on('data', (chunk) => {
      length += chunk.length
      hash.update(chunk)
    })
    socket.end(Buffer.concat([HEADERS.v2, payload]))
    await once(socket, 'end')
    const expected = createHash('sha256').update(`${SHOWN} `).update(payload)
    assert.equal(length, payload.length + SHOWN.length + 1)
    assert.equal(hash.digest('hex'), expected.digest('hex'))
    await until('the connection is over', () => pool.metrics.active === 0)
    assert.equal(pool.workers[0]?.sent, payload.length)
  })

  test('counts no connection that was refused, nor one that waits', async (t) => {
    const { server, pool } = stage(t, [await startAccepting(t)], {})
    const { port, refused } = await accepting(t, server)
    const waiting = await dialed(t, port)
    await ask(t, port, Buffer.alloc(0), 'SSH-2.0').catch(() => {})
    assert.deepEqual([refused, pool.metrics.total], [['proxy-malformed'], 0])
    waiting.destroy()
  })

  test('trusts whom it is told to', async (t) => {
    const { server } = stage(t, [(await startKeeper(t)).port], {})
    const kinds: string[] = []
    let isTrusted = false
    const trustedProxies: typeof LOOPBACK = (address, hop) => isTrusted && LOOPBACK(address, hop)
    acceptProxyProtocol(server, { trustedProxies, onRefused: (kind) => kinds.push(kind) })
    const port = await listen(t, server)
    await ask(t, port, HEADERS.v1, '').catch(() => {})
    isTrusted = true
    const socket = await dialed(t, port)
    assert.equal(await exchange(socket, Buffer.concat([HEADERS.v1, Buffer.from('x')])), '1')
    assert.deepEqual(kinds, ['proxy-untrusted'])
  })
})
