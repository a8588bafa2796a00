import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { get } from './processes.ts'
import { startHolding } from './holding.ts'
import { closed, exchange } from './raw.ts'
import { startSite, until } from './reloading.ts'
import { askSecurely, pairOf } from './secure.ts'
import { mostLines } from './seldom.ts'

/** The beginning of a handshake, which says that more is to come. */
const HELLO = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])

async function startSecure(t: TestContext, fields: object = {}) {
  const authority = createAuthority(t)
  const backend = await startHolding(t, 'backend')
  const { gateway, change } = await startSite(t, {
    listen: { port: 0, host: '127.0.0.1', tls: pairOf(authority.issue(['a.test'])) },
    workers: [backend.url],
    health: { schedule: '0 0 0 1 1 *' },
    ...fields,
  })
  const ask = (path = '/') => askSecurely(gateway.port, 'a.test', { ca: authority.cert, path })
  return { gateway, backend, change, ask, port: gateway.port, ca: authority.cert }
}

/** A connection whose handshake does not come to an end. */
async function halfShaken(t: TestContext, port: number, bytes: Buffer = HELLO): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

suite('a listener with tls', () => {
  test('ends handshakes that take longer than 10 s, trickled ones too, and serves others meanwhile', async (t) => {
    const { port, ask, gateway } = await startSecure(t)
    const silent = await halfShaken(t, port, Buffer.alloc(0))
    const begun = await halfShaken(t, port)
    const trickled = await halfShaken(t, port)
    const trickle = setInterval(() => trickled.write(Buffer.alloc(1)), 200)
    t.after(() => clearInterval(trickle))
    const waiting = Promise.all([silent, begun, trickled].map(closed))
    assert.equal((await ask()).status, 200)
    await waiting
    await gateway.line(/client 127\.0\.0\.1 was cut: the TLS handshake failed \(TLS handshake timeout\)/)
    assert.equal((await ask()).status, 200)
  })

  test('answers plain HTTP in short, and says so in the log, seldom', async (t) => {
    const { port, gateway, ask } = await startSecure(t)
    const since = gateway.lines.length
    const begun = performance.now()
    for (let i = 0; i < 20; i++) {
      const text = await exchange(t, port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
      assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n.*this port speaks https\n$/s)
    }
    assert.equal((await get(`http://127.0.0.1:${port}/`)).status, 400)
    await gateway.line(/client 127\.0\.0\.1 was answered 400: it speaks plain HTTP on a port for https/)
    await gateway.line(/and \d+ more like it/, since)
    const said = gateway.lines.slice(since).filter((line) => line.includes('plain HTTP'))
    assert.ok(said.length <= mostLines(begun), said.join('\n'))
    assert.equal((await ask()).status, 200)
  })

  test('goes on whatever is sent instead of a handshake, and keeps nothing of it', async (t) => {
    const { port, gateway, ask } = await startSecure(t)
    for (const bytes of ['\x16\x03\x01\xff\xff\xff', '\0'.repeat(100), '\x80'.repeat(2000), 'SSH-2.0-x\r\n'])
      await exchange(t, port, bytes)
    for (let i = 0; i < 50; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      socket.resetAndDestroy()
    }
    await gateway.line(/was cut: the TLS handshake failed/)
    assert.equal((await ask()).status, 200)
    assert.equal(await gateway.end('SIGTERM'), 0)
    assert.match(gateway.lines.at(-1) ?? '', / gateway stopped$/)
  })

  test('counts connections whose handshakes are not over among those that it may have', async (t) => {
    const { port, ask, gateway } = await startSecure(t, { limits: { connections: 3 } })
    const half = [await halfShaken(t, port), await halfShaken(t, port), await halfShaken(t, port)]
    await assert.rejects(ask(), { code: 'ECONNRESET' })
    await gateway.line(/was dropped: 3 are open/)
    for (const socket of half) socket.destroy()
    await until('there is room again', async () => (await ask().catch(() => undefined))?.status === 200)
  })

  test('finishes what is in flight at a shutdown, and waits for no handshake', async (t) => {
    const { port, ask, gateway, backend } = await startSecure(t, { shutdown: '60s' })
    const half = await halfShaken(t, port)
    const isCut = closed(half)
    await ask()
    const slow = ask('/slow')
    await gateway.line(/listens/)
    await until('it is in flight', async () => {
      const text = await askActive(ask)
      return text.includes('requests_active 1\n') // /metrics is not among them
    })
    const ended = gateway.end('SIGTERM')
    await gateway.line(/SIGTERM: finishing/)
    await isCut
    backend.answer()
    assert.deepEqual([(await slow).status, (await slow).body], [200, 'slow'])
    assert.equal(await ended, 0)
    assert.match(gateway.lines.at(-1) ?? '', / gateway stopped$/)
  })

  test('lets a handshake that has begun come to its end at a shutdown, with the request behind it', async (t) => {
    const { port, gateway, ca } = await startSecure(t, { shutdown: '60s' })
    const below = connect(port, '127.0.0.1')
    t.after(() => below.destroy())
    await once(below, 'connect')
    const keeper = connectTls({ port, host: '127.0.0.1', ca, servername: 'a.test' })
    t.after(() => keeper.destroy())
    await once(keeper, 'secureConnect') // by then the other one was taken too
    const ended = gateway.end('SIGTERM')
    await gateway.line(/SIGTERM: finishing/)
    const socket = connectTls({ socket: below, ca, servername: 'a.test' })
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    keeper.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await once(socket, 'close')
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*connection: close\r\n/i)
    assert.equal(await ended, 0)
  })
})

async function askActive(ask: (path: string) => Promise<{ body: string }>): Promise<string> {
  return (await ask('/metrics')).body
}
