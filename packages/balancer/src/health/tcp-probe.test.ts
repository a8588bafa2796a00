import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { suite, test, type TestContext } from 'node:test'
import { deadPort, listen } from '../../test/support/listen.ts'
import { toTls } from '../tls.ts'
import { Worker } from '../worker.ts'
import { MOST, tcpProbe, type Talk } from './tcp-probe.ts'

const patient = new AbortController().signal
const tls = toTls()
const LOCAL = '0d0a0d0a000d0a515549540a20000000'

/** A worker for TCP, its connections, and the end of the first. */
async function serving(t: TestContext, meet: (socket: Socket) => void = () => {}) {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    socket.resume().once('end', resolve)
    meet(socket)
  })
  const port = await listen(t, server)
  return { server, port, worker: new Worker(`tcp://127.0.0.1:${port}`, 0, 'worker'), ended }
}

const ask = (worker: Worker, talk: Talk, signal = patient): Promise<void> =>
  tcpProbe(talk, { tls })(worker, signal)

/** Sends one part after the other, each in a segment of its own as far as the reader can tell. */
async function sendApart(socket: Socket, parts: readonly (string | Buffer)[]): Promise<void> {
  socket.setNoDelay(true)
  for (const part of parts) {
    await new Promise((resolve) => socket.write(part, resolve))
    await turn()
  }
}

suite('a worker for TCP is well', () => {
  test('when it takes the connection, which is closed in order', async (t) => {
    const { worker, ended } = await serving(t)
    await ask(worker, {})
    await ended
  })

  test('when it takes the connection and closes it at once, as nothing is expected of it', async (t) => {
    const { worker } = await serving(t, (socket) => socket.destroy())
    await ask(worker, {})
  })

  test('when it has taken what was sent, where nothing is expected', async (t) => {
    const said: Buffer[] = []
    const { worker, ended } = await serving(t, (socket) => void socket.on('data', (data) => said.push(data)))
    await ask(worker, { send: 'grüß dich\r\n' })
    await ended
    assert.equal(Buffer.concat(said).toString(), 'grüß dich\r\n')
  })

  const GREETING = '220 mail.test ESMTP\r\n'
  for (const [what, expect] of [
    ['a text', 'ESMTP'],
    ['bytes', Buffer.from(' ESMTP\r\n')],
    ['a regular expression', /^220 \S+ ESMTP\r\n/],
    ['a regular expression that remembers', /ESMTP/gy],
  ] as const)
    test(`when it greets with ${what} that is expected, each time`, async (t) => {
      const { worker } = await serving(
        t,
        (socket) => void socket.write(what.endsWith('remembers') ? 'ESMTP' : GREETING),
      )
      for (let i = 0; i < 3; i++) await ask(worker, { expect })
    })

  for (const [what, expect] of [
    ['bytes that are no text', Buffer.from('fffe00e9', 'hex')],
    ['a regular expression of such bytes', /^\xff\xfe\0\xe9$/],
  ] as const)
    test(`when it greets with ${what}, in a segment each`, async (t) => {
      const bytes = ['ff', 'fe', '00', 'e9'].map((byte) => Buffer.from(byte, 'hex'))
      const { worker, ended } = await serving(t, (socket) => void sendApart(socket, bytes))
      await ask(worker, { expect })
      await ended
    })

  test('when what is expected comes over many segments, behind other things', async (t) => {
    const { worker } = await serving(
      t,
      (socket) => void sendApart(socket, ['hello, rea', 'd', 'y, ', 'steady']),
    )
    await ask(worker, { expect: 'ready' })
  })

  test('when what is expected is the last that may come', async (t) => {
    const { worker } = await serving(t, (socket) => void socket.write(`${'x'.repeat(MOST - 2)}ok and more`))
    await ask(worker, { expect: 'ok' })
  })

  test('when it says what is expected and closes the connection', async (t) => {
    const { worker } = await serving(t, (socket) => void socket.end('+PONG\r\n'))
    await ask(worker, { send: 'PING\r\n', expect: '+PONG' })
  })

  test('at another port than its own', async (t) => {
    const { port } = await serving(t)
    const worker = new Worker(`tcp://127.0.0.1:${await deadPort()}`, 0, 'worker')
    await tcpProbe({}, { tls, port })(worker, patient)
  })

  test('by the literal of its IPv6 address', async (t) => {
    const port = await listen(t, createServer(), '::1').catch(() => undefined)
    if (port === undefined) return t.skip('no IPv6 here')
    return ask(new Worker(`tcp://[::1]:${port}`, 0, 'worker'), {})
  })
})

suite('a worker for TCP is not well, and the reason says why,', () => {
  test('when it refuses the connection', async () => {
    const worker = new Worker(`tcp://127.0.0.1:${await deadPort()}`, 0, 'worker')
    await assert.rejects(ask(worker, {}), /^Error: connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
  })

  test('when it closes the connection at once and something is expected', async (t) => {
    const { worker } = await serving(t, (socket) => void socket.end())
    await assert.rejects(ask(worker, { expect: '+PONG' }), {
      message: 'closed the connection without an answer',
    })
  })

  test('when it resets the connection at once and something is expected', async (t) => {
    const { worker } = await serving(t, (socket) => void socket.resetAndDestroy())
    await assert.rejects(ask(worker, { expect: '+PONG' }), /^Error: (read|connect) ECONNRESET\b/)
  })

  for (const [expect, shown] of [
    ['+PONG', '"+PONG"'],
    [Buffer.from([0x2b, 0, 0xff]), String.raw`"+\u0000\u00ff"`],
    [/^\+PONG/, String.raw`/^\+PONG/`],
  ] as const)
    test(`when it says something other than ${shown} and closes the connection`, async (t) => {
      const { worker } = await serving(t, (socket) => void socket.end('-ERR \x1b[31mmax\x9b clients\r\n'))
      await assert.rejects(ask(worker, { expect }), {
        message: String.raw`closed the connection after "-ERR \u001b[31mmax\u00c2\u009b clients\r\n", without ${shown}`,
      })
    })

  test('when it sends garbage without end, of which no more than the bound is read', async (t) => {
    const { worker, server } = await serving(t, (socket) => {
      const more = (): void => void (socket.destroyed || socket.write('x'.repeat(10_000), more))
      more()
    })
    const connected = once(server, 'connection') as Promise<[Socket]>
    await assert.rejects(ask(worker, { expect: 'y' }), { message: 'answered 65536 bytes without "y"' })
    const [socket] = await connected
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  })

  test('when it says nothing until the deadline, which ends the connection', async (t) => {
    const deadline = new AbortController()
    const { worker, server, ended } = await serving(t)
    server.once('connection', () => deadline.abort())
    await assert.rejects(ask(worker, { expect: 'x' }, deadline.signal))
    await ended
  })
})

suite('a probe that says it comes from the balancer itself', () => {
  test('sends a header of the PROXY protocol first, LOCAL', async (t) => {
    const said: Buffer[] = []
    const { worker, ended } = await serving(t, (socket) => void socket.on('data', (data) => said.push(data)))
    await tcpProbe({ send: 'PING\r\n' }, { tls, proxyProtocol: 'v2' })(worker, patient)
    await ended
    assert.equal(Buffer.concat(said).toString('hex'), LOCAL + Buffer.from('PING\r\n').toString('hex'))
  })

  test('sends it also when nothing else is sent', async (t) => {
    const said: Buffer[] = []
    const { worker, ended } = await serving(t, (socket) => void socket.on('data', (data) => said.push(data)))
    await tcpProbe({}, { tls, proxyProtocol: 'v2' })(worker, patient)
    await ended
    assert.equal(Buffer.concat(said).toString('hex'), LOCAL)
  })
})
