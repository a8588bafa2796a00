import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { TestApp } from '../support/app.ts'
import { head, stage, type Create } from '../support/hostile.ts'
import type { RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'
import { switched, upgradeHead } from '../support/web-sockets.ts'

/** A connection that stands, with both its ends. */
interface Joined {
  readonly app: TestApp
  readonly client: RawClient
  readonly socket: Socket
}

/** Once a WebSocket stands, the balancer carries bytes and nothing else. */
export function webSocketBytes(create: Create): void {
  const join = async (t: TestContext): Promise<Joined> => {
    const { app, client: connect, worker } = await stage(t, create, switched())
    const client = await connect(upgradeHead())
    assert.equal((await client.response()).status, 101)
    const socket = worker.sockets[0] as Socket
    socket.removeAllListeners('data')
    return { app, client, socket }
  }

  for (const [what, bytes] of FRAMES)
    for (const way of ['to the worker', 'to the client'] as const)
      test(`${what} passes untouched ${way}, in one piece or many`, async (t) => {
        const { client, socket } = await join(t)
        const [from, to] = way === 'to the worker' ? [client.socket, socket] : [socket, client.socket]
        let got = Buffer.alloc(0)
        to.on('data', (data: Buffer) => void (got = Buffer.concat([got, data])))
        let back = 0
        from.on('data', (data: Buffer) => void (back += data.length))
        from.setNoDelay(true).write(bytes)
        if (bytes.length < 1000)
          for (const byte of bytes) {
            from.write(Uint8Array.of(byte))
            await new Promise(setImmediate)
          }
        const expected = bytes.length < 1000 ? Buffer.concat([bytes, bytes]) : bytes
        await until('all bytes', () => got.length >= expected.length)
        assert.ok(got.equals(expected))
        assert.equal(back, 0, 'nobody answers for the other end')
      })

  test('what a worker sends right behind its answer arrives, however it is cut', async (t) => {
    const bytes = `${switched()}\x81\x05hello`
    for (const size of [bytes.length, 50, 1]) {
      const { client } = await stage(t, create, (socket) => void inPieces(socket, bytes, size))
      const one = await client(upgradeHead())
      assert.equal((await one.response()).status, 101)
      await until('the frame', () => one.received.length >= 7)
      assert.equal(one.received, '\x81\x05hello')
      one.socket.destroy()
    }
  })

  test('what a client sends behind its handshake waits for the answer', async (t) => {
    const { client, worker } = await stage(t, create, () => {})
    const early = 'early '.repeat(5000)
    const one = await client(upgradeHead() + early)
    await until('the worker is asked', () => worker.requests.length === 1)
    one.send(early)
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.ok(worker.received.endsWith('\r\n\r\n'), 'a worker may yet refuse')
    worker.sockets[0]?.write(switched())
    assert.equal((await one.response()).status, 101)
    await until('the bytes', () => worker.received.endsWith(`\r\n\r\n${early}${early}`))
  })

  for (const way of ['client', 'worker'] as const)
    test(`a ${way} that stops reading holds the other end back, and then gets everything`, async (t) => {
      const { client, socket } = await join(t)
      const [reader, writer] = way === 'client' ? [client.socket, socket] : [socket, client.socket]
      reader.removeAllListeners('data').pause()
      const total = 100_000_000
      let sent = 0
      const chunk = Buffer.alloc(1_000_000, 'x')
      const write = (): void => {
        while (sent < total) {
          sent += chunk.length
          if (!writer.write(chunk)) return
        }
      }
      writer.on('drain', write)
      write()
      await still(() => sent)
      assert.ok(sent < total / 2, `${sent} bytes taken from it`)
      let got = 0
      reader.on('data', (data: Buffer) => void (got += data.length)).resume()
      await until('everything', () => got === total, 30_000)
      writer.off('drain', write)
    })

  const skip = process.platform !== 'linux' && 'only Linux tells the timers of its sockets, in /proc/net/tcp'
  test('TCP asks both ends after a minute whether they are still there', { skip }, async (t) => {
    const { app, client, socket } = await join(t)
    const ends = {
      client: [app.port, client.socket.localPort],
      worker: [socket.remotePort, socket.localPort],
    }
    for (const [who, [local, remote]] of Object.entries(ends)) {
      let timer: string[] = []
      // 01 is a packet on its way, 02 is keep-alive; then the hundredths of a second until it fires.
      await until(`keep-alive to the ${who}`, async () => (timer = await timerOf(local, remote))[0] === '02')
      const left = Number.parseInt(timer[1] as string, 16) / 100
      assert.ok(left > 30 && left <= 60, `${who}: ${left} s`)
    }
  })
}

const FRAMES: [what: string, bytes: Buffer][] = [
  ['a message in fragments with a ping between them', hex('01 03 48656c  89 04 70696e67  80 02 6c6f')],
  ['a masked message', hex('81 85 37fa213d 7f9f4d5158')],
  ['a ping and a pong without a body', hex('89 00 8a 00')],
  [
    'a message in 100 fragments of nothing',
    Buffer.concat([hex('0100'), Buffer.alloc(200, hex('0000')), hex('8000')]),
  ],
  ['a message of 200 KB', Buffer.concat([hex('82 7f 0000000000030d40'), Buffer.alloc(200_000, 'abc')])],
  ['a compressed message', hex('c1 07 f248cdc9c90700')],
  ['what RFC 6455 forbids', hex('f3 00  0b 01 ff  81 02 c328  89 7e 0080  88 01 00  82 ff ffffffffffffffff')],
  ['what looks like HTTP', Buffer.from(`${head('GET /x')}HTTP/1.1 200 OK\r\n\r\n`)],
]

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

async function inPieces(socket: Socket, bytes: string, size: number): Promise<void> {
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(bytes.slice(at, at + size), 'latin1')
    await new Promise(setImmediate)
  }
}

/** Waits until a figure has stood still for half a second. */
async function still(figure: () => number): Promise<void> {
  let [last, since] = [figure(), performance.now()]
  await until('it stands still', () => {
    if (figure() !== last) [last, since] = [figure(), performance.now()]
    return performance.now() - since > 500
  })
}

/** The kind and the time of the timer of a connection between two ports of this machine. */
async function timerOf(local: number | undefined, remote: number | undefined): Promise<string[]> {
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n')) {
      const [, from, to, , , timer = ''] = line.trim().split(/\s+/)
      const ports = [from, to].map((address) => Number.parseInt(address?.split(':')[1] ?? '', 16))
      if (ports[0] === local && ports[1] === remote) return timer.split(':')
    }
  return []
}
