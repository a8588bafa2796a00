import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createPool, loadBalance } from '@rondo/balancer'
import { MOST_HEADERS } from '../src/limits.ts'
import { createGatewayServer } from '../src/server.ts'
import { get, startGateway, startWorker, type Running } from './processes.ts'
import { exchange } from './raw.ts'
import { mostLines } from './seldom.ts'

async function started(t: TestContext): Promise<Running> {
  const worker = await startWorker(t, 'a')
  const gateway = await startGateway(t, [worker.url])
  await gateway.line(/ is up/)
  return gateway
}

/** Our short form, and nothing before or after it. */
function refusal(status: string, text: string): RegExp {
  const head = `HTTP/1\\.1 ${status}\\r\\n([\\w-]+: [^\\r]*\\r\\n)*`
  return new RegExp(`^${head}connection: close\\r\\n([\\w-]+: [^\\r]*\\r\\n)*\\r\\n${text}\\n$`, 'i')
}

const TOO_LARGE = refusal('431 Request Header Fields Too Large', 'the head of the request is too large')
const TOO_MANY = /^HTTP\/1\.1 431 [^]*\r\nconnection: close\r\n/i
const MALFORMED = refusal('400 Bad Request', 'the request is malformed')

suite('a request to the gateway', () => {
  test('may have a head of nearly 16 KiB, and no larger one', async (t) => {
    const gateway = await started(t)
    const ask = (path: string, value: string): Promise<string> =>
      exchange(t, gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ${value}\r\n\r\n`)
    assert.match(await ask('/', 'x'.repeat(16_000)), /^HTTP\/1\.1 200 /)
    assert.match(await ask(`/${'x'.repeat(16_000)}`, 'x'), /^HTTP\/1\.1 200 /)
    assert.match(await ask('/', 'x'.repeat(16_384)), TOO_LARGE)
    assert.match(await ask(`/${'x'.repeat(16_384)}`, 'x'), TOO_LARGE)
    assert.match(await ask('/', 'x'.repeat(1_000_000)), TOO_LARGE)
    assert.match(
      await gateway.line(/ client /),
      /Z client 127\.0\.0\.1 was answered 431: Parse Error: Header overflow$/,
    )
  })

  test('may have as many header fields as reach its worker, and no more', async (t) => {
    const gateway = await started(t)
    const ask = (count: number, own: string): Promise<string> => {
      const others = Array.from({ length: count - 3 }, (_, i) => `a${i}: b\r\n`).join('')
      return exchange(t, gateway.port, `GET /x HTTP/1.1\r\n${others}Host: a\r\n${own}\r\n`)
    }
    const ordinary = 'Accept: */*\r\nConnection: close\r\n'
    const upgrade = 'Upgrade: websocket\r\nConnection: upgrade\r\n'
    assert.match(await ask(MOST_HEADERS, ordinary), /^HTTP\/1\.1 200 /)
    for (const count of [1, 2, 100, 1000].map((more) => MOST_HEADERS + more)) {
      assert.match(await ask(count, ordinary), TOO_MANY, `${count}`)
      assert.match(await ask(count, upgrade), TOO_MANY, `${count}, upgrade`)
    }
    assert.match(await gateway.line(/"GET \/x" 431 - /), / worker=- attempts=0 /)
  })

  test('for a tunnel is a 405, and leaves a line in the log', async (t) => {
    const gateway = await started(t)
    const answer = await exchange(
      t,
      gateway.port,
      'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n',
    )
    assert.match(answer, refusal('405 Method Not Allowed', 'CONNECT is not served'))
    assert.match(answer, /^Allow: GET, HEAD, .*, OPTIONS\r$/m)
    assert.match(
      await gateway.line(/CONNECT/),
      /Z 127\.0\.0\.1 "CONNECT evil\.test:443" 405 - worker=- attempts=0 [\d.]+ ms id=-$/,
    )
  })
})

suite('what the parser refuses', () => {
  test('is a 400, and a flood of it leaves a line a second in the log', async (t) => {
    const gateway = await started(t)
    const since = gateway.lines.length
    const count = 300
    const begun = performance.now()
    for (let i = 0; i < count; i++)
      assert.match(await exchange(t, gateway.port, 'nonsense\r\n\r\n'), MALFORMED)
    const seconds = (performance.now() - begun) / 1000
    const last = await gateway.line(/ more like it$/, since)
    assert.match(
      last,
      /Z client 127\.0\.0\.1 was answered 400: Parse Error: Invalid method encountered, and \d+ more like it$/,
    )
    const lines = gateway.lines.slice(since)
    assert.ok(lines.length <= 3 + seconds, lines.join('\n'))
  })

  test('of a body is a 400 too, when no response has begun', async (t) => {
    const gateway = await started(t)
    const head = 'POST /x?delay=5000 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
    assert.match(await exchange(t, gateway.port, `${head}5\r\nhello\r\nzz\r\n`), MALFORMED)
    assert.equal((await get(gateway.url)).status, 200)
  })

  for (const [what, first, second] of [
    [
      'a response that has begun',
      'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      'zz\r\n',
    ],
    ['a stream', 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n', 'nonsense\r\n\r\n'],
  ] as const)
    test(`is never answered into ${what}: that is cut`, async (t) => {
      const gateway = await started(t)
      const received = await exchange(t, gateway.port, first, second)
      assert.match(received, /^HTTP\/1\.1 200 /)
      assert.doesNotMatch(received, / 400 |malformed|\r\n0\r\n/)
      await gateway.line(/ client 127\.0\.0\.1 was cut: Parse Error: /)
    })

  test('is never taken for the answer to the request before it: the connection is cut', async (t) => {
    const gateway = await started(t)
    const slow = 'GET /x?delay=5000 HTTP/1.1\r\nHost: a\r\n\r\n'
    assert.equal(await exchange(t, gateway.port, `${slow}nonsense\r\n\r\n`), '')
    await gateway.line(/ client 127\.0\.0\.1 was cut: Parse Error: /)
  })

  test('after an answer that is over is a 400 of its own', async (t) => {
    const gateway = await started(t)
    const received = await exchange(t, gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'nonsense\r\n\r\n')
    assert.match(received, /^HTTP\/1\.1 200 [^]*\}\n?HTTP\/1\.1 400 Bad Request\r\n/)
  })
})

test('a client that breaks off leaves no line for it', async (t) => {
  const gateway = await started(t)
  const since = gateway.lines.length
  for (const bytes of ['', 'GET', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc']) {
    const socket = connect(gateway.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(bytes)
    socket.resetAndDestroy()
    await once(socket, 'close')
  }
  await get(`${gateway.url}/after`)
  await gateway.line(/\/after/)
  assert.doesNotMatch(gateway.lines.slice(since).join('\n'), / client /)
})

test('connections beyond the limit are dropped and counted in the log, and the others go on', async (t) => {
  const log = t.mock.method(console, 'log', () => {})
  const worker = await startWorker(t, 'a')
  const pool = createPool([worker.url])
  const balance = loadBalance(pool)
  const server = createGatewayServer(
    { onRequest: (req, res) => void balance(req, res), onUpgrade: async () => undefined, onOver: () => {} },
    () => ({ host: '127.0.0.1', port: 0 }),
  )
  server.maxConnections = 3
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await balance.close()
    await pool.close()
  })
  server.listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const kept = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'))
  await Promise.all(kept.map((socket) => once(socket, 'connect')))
  await untilConnections(server, 3)
  const begun = performance.now()
  for (let i = 0; i < 20; i++) assert.equal(await exchange(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), '')
  const drops = log.mock.calls
    .map(({ arguments: [line] }) => String(line))
    .filter((line) => line.includes('drop'))
  assert.ok(drops.length <= mostLines(begun), drops.join('\n'))
  assert.match(drops[0] ?? '', /Z a connection from 127\.0\.0\.1 was dropped: 3 are open$/)

  for (const socket of kept) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const [data] = (await once(socket, 'data')) as [Buffer]
    assert.match(data.toString('latin1'), /^HTTP\/1\.1 200 /)
    socket.destroy()
  }
  await untilConnections(server, 0)
  assert.equal((await get(`http://127.0.0.1:${port}`)).status, 200)
})

async function untilConnections(server: Server, count: number): Promise<void> {
  const getConnections = promisify(server.getConnections.bind(server))
  while ((await getConnections()) !== count) await setImmediate()
}
