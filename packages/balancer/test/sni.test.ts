import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, createSecureServer } from 'node:http2'
import { createServer, request } from 'node:https'
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { balanceTcp, type BalanceTcp } from '../src/balance-tcp.ts'
import { createAuthority, type Authority } from './support/certificates.ts'
import { bytewise, records } from './support/client-hellos.ts'
import { poolOf } from './support/fakes.ts'
import { listen } from './support/listen.ts'
import { Remembered } from './support/garbage.ts'
import { sniStage } from './support/sni-stage.ts'
import { until } from './support/until.ts'

/** A pool of workers at these ports. */
async function carried(t: TestContext, ...ports: readonly number[]): Promise<BalanceTcp> {
  const pool = poolOf(
    t,
    ports.map((port) => `http://127.0.0.1:${port}`),
  )
  await pool.ready
  return balanceTcp(pool)
}

/** A TLS server of this name that says its name, and then all that it hears. */
async function echoing(t: TestContext, authority: Authority, name: string): Promise<number> {
  const server = createTlsServer({ ...authority.issue([name]), allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.write(`${name}:`)
    socket.pipe(socket)
  })
  return listen(t, server)
}

function visit(t: TestContext, port: number, ca: string, servername: string): TLSSocket {
  const socket = connect({ port, host: '127.0.0.1', ca, servername })
  t.after(() => socket.destroy())
  return socket
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts).toString()
}

/** Writes bytes one by one, each in a segment of its own. */
async function dribble(bytes: Buffer, socket: Socket): Promise<void> {
  for (const byte of bytewise(bytes)) {
    socket.write(byte)
    await new Promise(setImmediate)
  }
}

suite('TLS that is passed through by its name', () => {
  test('ends at the worker, whose own certificate the client sees', async (t) => {
    const authority = createAuthority(t)
    const [a, b, other] = await Promise.all([
      echoing(t, authority, 'a.test'),
      echoing(t, authority, 'x.b.test'),
      echoing(t, authority, 'other.test'),
    ])
    const { port, refused } = await sniStage(
      t,
      { 'a.test': await carried(t, a), '*.b.test': await carried(t, b) },
      { fallback: await carried(t, other) },
    )
    for (const name of ['a.test', 'x.b.test', 'other.test']) {
      const socket = visit(t, port, authority.cert, name)
      await once(socket, 'secureConnect')
      assert.equal(socket.authorized, true)
      assert.equal(socket.getPeerCertificate().subject.CN, name)
      const text = 'bytes '.repeat(100_000)
      socket.end(text)
      assert.equal(await textOf(socket), `${name}:${text}`)
    }
    const wrong = visit(t, port, authority.cert, 'elsewhere.test')
    const [error] = (await once(wrong, 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
    assert.deepEqual(refused, [])
  })

  test('takes the next worker where one refuses, the hello unread', async (t) => {
    const authority = createAuthority(t)
    const a = await echoing(t, authority, 'a.test')
    const closed = createTcpServer()
    const dead = await listen(t, closed)
    closed.close()
    await once(closed, 'close')
    const { port } = await sniStage(t, { 'a.test': await carried(t, dead, a) })
    for (let i = 0; i < 4; i++) {
      const socket = visit(t, port, authority.cert, 'a.test')
      socket.end('here')
      assert.equal(await textOf(socket), 'a.test:here')
    }
  })

  test('carries HTTPS and HTTP/2, as the client and the worker agree', async (t) => {
    const authority = createAuthority(t)
    const https = createServer({ ...authority.issue(['h1.test']) }, (req, res) => void req.pipe(res))
    const http2 = createSecureServer({ ...authority.issue(['h2.test']) }, (req, res) => void req.pipe(res))
    const [h1, h2] = await Promise.all([listen(t, https), listen(t, http2)])
    const { port } = await sniStage(t, { 'h1.test': await carried(t, h1), 'h2.test': await carried(t, h2) })
    const body = 'x'.repeat(300_000)

    const req = request({
      port,
      host: '127.0.0.1',
      servername: 'h1.test',
      ca: authority.cert,
      method: 'POST',
      agent: false,
    })
    req.end(body)
    const [res] = await once(req, 'response')
    assert.equal(await textOf(res), body)

    const session = connectHttp2(`https://127.0.0.1:${port}`, { servername: 'h2.test', ca: authority.cert })
    t.after(() => session.destroy())
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const stream = session.request({ ':method': 'POST' })
        stream.end(body)
        assert.equal(await textOf(stream), body)
      }),
    )
    const { socket } = session
    assert.equal((socket as TLSSocket).alpnProtocol, 'h2')
    assert.equal((socket as TLSSocket).getPeerCertificate().subject.CN, 'h2.test')
    session.close()
  })

  for (const how of ['bytes', 'records'] as const)
    test(`stands where the hello comes in ${how} of one byte`, async (t) => {
      const authority = createAuthority(t)
      const a = await echoing(t, authority, 'a.test')
      const { port } = await sniStage(t, { 'a.test': await carried(t, a) })
      const between = createTcpServer({ allowHalfOpen: true }, (near) => {
        const far = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
        for (const side of [near, far]) side.on('error', () => {})
        near.once('data', (hello: Buffer) => {
          near.pause()
          const bytes = how === 'bytes' ? hello : records(hello.subarray(5), 1)
          void dribble(bytes, far).then(() => near.pipe(far))
        })
        far.pipe(near)
      })
      const socket = visit(t, await listen(t, between), authority.cert, 'a.test')
      socket.end('here')
      assert.equal(await textOf(socket), 'a.test:here')
      assert.equal(socket.authorized, true)
    })

  test('may end here instead: a handler gives the connection to a TLS server of its own', async (t) => {
    const authority = createAuthority(t)
    const tls = createTlsServer({ ...authority.issue(['own.test']) }, (socket) => void socket.end('own'))
    const https = createServer({ ...authority.issue(['web.test']) }, (_req, res) => void res.end('web'))
    const { port } = await sniStage(t, {
      'own.test': (socket) => tls.emit('connection', socket),
      'web.test': (socket) => https.emit('connection', socket),
    })
    assert.equal(await textOf(visit(t, port, authority.cert, 'own.test')), 'own')
    const req = request({ port, host: '127.0.0.1', servername: 'web.test', ca: authority.cert, agent: false })
    req.end()
    const [res] = await once(req, 'response')
    assert.equal(await textOf(res), 'web')
  })

  test('leaves nothing behind', async (t) => {
    const authority = createAuthority(t)
    const a = await echoing(t, authority, 'a.test')
    const pool = poolOf(t, [`http://127.0.0.1:${a}`])
    await pool.ready
    const balance = balanceTcp(pool)
    const remembered = new Remembered()
    const { port, sni, sockets } = await sniStage(t, {
      'a.test': (socket: Socket) => {
        remembered.add(socket)
        return balance(socket)
      },
    })
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = visit(t, port, authority.cert, 'a.test')
        socket.end('here')
        assert.equal(await textOf(socket), 'a.test:here')
      }),
    )
    await until(
      'all are over',
      () => pool.stats().requests.active === 0 && sockets.every((one) => one.destroyed),
    )
    sockets.length = 0
    await sni.close()
    assert.deepEqual(await balance.close(), { cut: 0 })
    await remembered.released()
  })
})
