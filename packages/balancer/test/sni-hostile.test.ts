import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { balanceTcp } from '../src/balance-tcp.ts'
import { helloMessage, helloOf, records, serverName, vector } from './support/client-hellos.ts'
import { poolOf } from './support/fakes.ts'
import { Remembered } from './support/garbage.ts'
import { listen } from './support/listen.ts'
import { rawClient } from './support/raw-client.ts'
import { nothingLeft, resources } from './support/resources.ts'
import { named, sniStage, taking, type SniStage } from './support/sni-stage.ts'
import { until } from './support/until.ts'

const alert = (description: number): string => `\x15\x03\x01\0\x02\x02${String.fromCharCode(description)}`

const routes = { 'a.example': named('a') }

/** Resolves when no connection is left, and so none waits for anything. */
async function allOver({ server, sockets }: SniStage): Promise<void> {
  await until('all are closed', () => sockets.every((socket) => socket.destroyed))
  const count = await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
  assert.equal(count, 0)
}

/** Bytes that are refused: what they are, how they're counted, and the alert that is due. */
const BAD: readonly (readonly [string, Buffer, string, number | undefined])[] = [
  ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'), 'hello-malformed', undefined],
  ['SSLv2', Buffer.of(0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10), 'hello-malformed', undefined],
  ['zeros', Buffer.alloc(1000), 'hello-malformed', undefined],
  ['an alert', Buffer.of(21, 3, 1, 0, 2, 1, 0), 'hello-malformed', undefined],
  ['a server’s hello', Buffer.of(22, 3, 3, 0, 4, 2, 0, 0, 0), 'hello-malformed', 10],
  ['a record that is too long', Buffer.of(22, 3, 1, 0x40, 1, 1), 'hello-malformed', 22],
  [
    'a hello that says it will be 16 MB',
    Buffer.of(22, 3, 1, 0x40, 0, 1, 255, 255, 255),
    'hello-too-large',
    50,
  ],
  [
    'more than 64 KiB',
    records(helloMessage({ extensions: [[21, Buffer.alloc(65_500)]] })),
    'hello-too-large',
    50,
  ],
  [
    'more than 64 KiB in records of a byte',
    records(helloMessage({ extensions: [[21, Buffer.alloc(30_000)]] }), 1),
    'hello-too-large',
    50,
  ],
  ['an empty name', helloOf({ name: '' }), 'hello-malformed', 50],
  ['an empty list of names', helloOf({ extensions: [[0, vector(2)]] }), 'hello-malformed', 50],
  ['two names', helloOf({ extensions: [[0, serverName('a.example', 'b.example')]] }), 'hello-malformed', 50],
  ['a name with NUL', helloOf({ name: 'a.example\0.evil' }), 'hello-malformed', 47],
  [
    'a name twice',
    helloOf({ name: 'a.example', extensions: [[0, serverName('b.example')]] }),
    'hello-malformed',
    47,
  ],
  ['an address', helloOf({ name: '127.0.0.1' }), 'no-route', 112],
  ['no name', helloOf(), 'no-route', 112],
]

suite('a hostile hello', () => {
  for (const allowHalfOpen of [false, true])
    test(`ends cleanly, with the alert that is due, where allowHalfOpen is ${allowHalfOpen}`, async (t) => {
      const stage = await sniStage(t, routes, { server: { allowHalfOpen } })
      for (const [what, bytes, kind, due] of BAD) {
        const client = await rawClient(t, stage.port, bytes)
        assert.equal(await client.rest(), due === undefined ? '' : alert(due), what)
        assert.equal(client.socket.errored, null, what)
        client.socket.end()
        assert.deepEqual(stage.refused.splice(0), [kind], what)
      }
      await allOver(stage)
    })

  test('that never ends is cut in time, though it never stops coming', async (t) => {
    const stage = await sniStage(t, routes, { timeout: 200 })
    const hello = helloOf({ extensions: [[21, Buffer.alloc(10_000)]] })
    const clients = await Promise.all(
      [Buffer.alloc(0), hello.subarray(0, 1), hello.subarray(0, 5), hello.subarray(0, -1)].map((bytes) =>
        rawClient(t, stage.port, bytes),
      ),
    )
    const slow = await rawClient(t, stage.port)
    let at = 0
    const timer = setInterval(() => slow.send(hello.subarray(at, ++at)), 5)
    t.after(() => clearInterval(timer))
    for (const client of [...clients, slow]) assert.equal(await client.rest(), '')
    assert.deepEqual(stage.refused, Array(5).fill('hello-timeout'))
    // The clients don't end their side: nobody waits for that for long.
    await allOver(stage)
  })

  test('that came in time is taken, though this process was too busy to see it', async (t) => {
    const stage = await sniStage(t, routes, { timeout: 50 })
    const client = await rawClient(t, stage.port)
    await until('it came', () => stage.sockets.length === 1)
    await new Promise(setImmediate) // from here, timers that are late come before what is to be read
    client.send(helloOf({ name: 'a.example' }))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    assert.equal(await client.rest(), 'a')
    assert.deepEqual(stage.refused, [])
  })

  test('that goes on after it was refused is not waited for, and costs nobody the alert', async (t) => {
    const stage = await sniStage(t, routes)
    const client = await rawClient(t, stage.port, helloOf({ name: 'b.example' }))
    const more = Buffer.alloc(65_536)
    const flood = (): void => {
      while (!client.socket.destroyed && client.socket.write(more));
    }
    client.socket.on('drain', flood)
    flood()
    await until('the alert', () => client.received === alert(112))
    await allOver(stage)
    assert.deepEqual(stage.refused, ['no-route'])
  })

  test('is over as soon as the client ends its side too', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] }) // so who stays is waited for until the clock is set
    const stage = await sniStage(t, routes, { server: { allowHalfOpen: true } })
    const bytes = helloOf({ name: 'b.example' })
    const staying = await rawClient(t, stage.port, bytes)
    await staying.rest()
    const leaving = await rawClient(t, stage.port, bytes)
    await leaving.rest()
    leaving.socket.end('more')
    await until('it is over', () => stage.sockets[1]?.destroyed === true)
    assert.equal(stage.sockets[0]?.destroyed, false)
    t.mock.timers.tick(1000)
    await allOver(stage)
  })

  test('of a port scan is counted, however it leaves', async (t) => {
    const { sni, refused } = await sniStage(t, routes)
    const server = createServer(sni) // `listen` would have listeners of its own
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const leave = async (bytes: Buffer, how: 'end' | 'destroy' | 'resetAndDestroy'): Promise<void> => {
      const socket = connect(port, '127.0.0.1')
      t.after(() => socket.destroy())
      await once(socket, 'connect')
      if (bytes.length > 0) await new Promise((resolve) => socket.write(bytes, resolve))
      socket[how]()
      await once(socket.resume(), 'close')
    }
    const part = helloOf({ name: 'a.example' }).subarray(0, 50)
    for (const how of ['end', 'destroy', 'resetAndDestroy'] as const)
      for (const bytes of [Buffer.alloc(0), part]) await leave(bytes, how)
    await until('all are counted', () => refused.length === 6)
    assert.deepEqual(refused, Array(6).fill('hello-malformed'))
    await new Promise((resolve) => server.close(resolve))
  })

  test('of a client that ends its side with it is passed on, with that end', async (t) => {
    const { hellos, bytes, take } = taking()
    let hasEnded = false
    const { port, refused } = await sniStage(t, {
      'a.example': (socket, hello) => {
        socket.allowHalfOpen = true
        take(socket, hello)
        socket.on('end', () => {
          hasEnded = true
          socket.end('answer')
        })
      },
    })
    const hello = helloOf({ name: 'a.example' })
    const client = await rawClient(t, port)
    client.socket.end(hello)
    assert.equal(await client.rest(), 'answer')
    assert.ok(hasEnded)
    assert.equal(hellos.length, 1)
    assert.ok(bytes[0]?.equals(hello))
    assert.deepEqual(refused, [])
  })

  test('half of which ends its side gets an end', async (t) => {
    const stage = await sniStage(t, routes, { server: { allowHalfOpen: true } })
    const client = await rawClient(t, stage.port)
    client.socket.end(helloOf({ name: 'a.example' }).subarray(0, 30))
    assert.equal(await client.rest(), '')
    await allOver(stage)
    assert.deepEqual(stage.refused, ['hello-malformed'])
  })

  test('of a client that leaves while a worker is sought costs nothing', async (t) => {
    const workerSockets: Socket[] = []
    const worker = createServer((socket) => workerSockets.push(socket.on('error', () => {}).resume()))
    const pool = poolOf(t, [`http://127.0.0.1:${await listen(t, worker)}`])
    await pool.ready
    const balance = balanceTcp(pool)
    const stage = await sniStage(t, { 'a.example': balance })
    for (let i = 0; i < 20; i++) {
      const { socket } = await rawClient(t, stage.port, helloOf({ name: 'a.example' }))
      await until('it came', () => stage.sockets.length === i + 1)
      socket.resetAndDestroy()
    }
    await allOver(stage)
    await until('nothing is carried', () => pool.stats().requests.active === 0)
    await until('the worker has none', () => workerSockets.every((socket) => socket.destroyed))
  })

  test('is cut by close(), which takes nobody more and lets those go on who have a handler', async (t) => {
    const { hellos, take } = taking()
    const stage = await sniStage(t, { 'a.example': take })
    const waiting = await Promise.all([
      rawClient(t, stage.port),
      rawClient(t, stage.port, helloOf().subarray(0, 9)),
    ])
    const refused = await rawClient(t, stage.port, 'GET / HTTP/1.1\r\n\r\n')
    const taken = await rawClient(t, stage.port, helloOf({ name: 'a.example' }))
    await until('all came', () => hellos.length === 1 && stage.sockets.length === 4)
    await refused.rest()

    await Promise.all([stage.sni.close(), stage.sni.close()])
    assert.equal(stage.sockets.filter((socket) => !socket.destroyed).length, 1)
    for (const client of waiting) assert.equal(await client.rest(), '')
    assert.equal(await (await rawClient(t, stage.port, helloOf({ name: 'a.example' }))).rest(), '')
    assert.deepEqual(stage.refused, ['hello-malformed'])
    assert.equal(taken.isOver, false)
    await stage.sni.close()
  })

  test('leaves nothing behind', async (t) => {
    const remembered = new Remembered()
    const before = resources()
    {
      const stage = await sniStage(t, routes, { timeout: 100 })
      const clients = await Promise.all(
        [...BAD.map(([, bytes]) => bytes), Buffer.alloc(0), helloOf({ name: 'a.example' })].map((bytes) =>
          rawClient(t, stage.port, bytes),
        ),
      )
      await Promise.all(clients.map((client) => client.rest()))
      for (const { socket } of clients) socket.end()
      await allOver(stage)
      remembered.add(...stage.sockets)
      stage.sockets.length = 0
      await stage.sni.close()
      await new Promise((resolve) => stage.server.close(resolve))
    }
    await nothingLeft(before)
    await remembered.released()
  })
})
