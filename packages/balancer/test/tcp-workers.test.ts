import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import {
  balanceTcp,
  checkPool,
  createPool,
  hash,
  loadBalance,
  type Pool,
  type PoolOptions,
  type Strategy,
} from '../src/index.ts'
import { createAuthority } from './support/certificates.ts'
import { NEVER } from './support/fakes.ts'
import { listen } from './support/listen.ts'
import { inTls } from './support/tls-workers.ts'
import { until } from './support/until.ts'

const TCP = 'tcp://127.0.0.1:1'
const TLS = 'tls://127.0.0.1:2'
const HTTP = 'http://127.0.0.1:3'
const HTTPS = 'https://127.0.0.1:4'
const SECRET = 'x'.repeat(32)

function poolOf(t: TestContext, urls: readonly string[], options: PoolOptions = {}) {
  const pool = createPool(urls, { ...options, health: { schedule: NEVER, timeout: 5000, ...options.health } })
  t.after(() => pool.close({ timeout: 1 }))
  return pool
}

/** Whoever came first, of those not yet tried. */
const first: Strategy = ([worker]) => worker

const well: PoolOptions = { health: { schedule: NEVER, probe: async () => {} } }

/** The port of a server that balances the pool. */
function listenWith(t: TestContext, pool: Pool): Promise<number> {
  const balance = balanceTcp(pool)
  return listen(t, createServer(balance))
}

/** What comes back over a connection that says `text` and ends its side, to the end or the error that is in its place. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(text)
  let answer = ''
  try {
    for await (const data of socket.setEncoding('latin1')) answer += data
  } catch (error) {
    return `${answer}${(error as NodeJS.ErrnoException).code}`
  }
  return answer
}

suite('the workers of a pool are all for HTTP or all for TCP:', () => {
  for (const [workers, message] of [
    [
      [HTTP, TCP],
      'workers[1]: "tcp://127.0.0.1:1" is a worker for TCP in a pool for HTTP; give it a pool of its own',
    ],
    [
      [TCP, TLS, HTTPS],
      'workers[2]: "https://127.0.0.1:4" is a worker for HTTP in a pool for TCP; give it a pool of its own',
    ],
  ] as const)
    test(message, (t) => {
      assert.throws(() => poolOf(t, workers), { name: 'OptionError', message })
      assert.throws(() => checkPool(workers), { name: 'OptionError', message })
    })

  test('what is added, or comes by an update, too; else nothing is changed', (t) => {
    const pool = poolOf(t, [TCP], well)
    const message = /"http:\/\/127\.0\.0\.1:3" is a worker for HTTP in a pool for TCP/
    assert.throws(() => pool.add(HTTP), { name: 'OptionError', message })
    assert.throws(() => pool.update([HTTP]), { name: 'OptionError', message })
    assert.throws(() => pool.update([TLS, HTTP]), { name: 'OptionError', message })
    assert.deepEqual(
      pool.stats().workers.map(({ url }) => url),
      [TCP],
    )
    pool.add(TLS)
    pool.update([TLS])
  })

  test('a pool that has nobody any more still is what it was', async (t) => {
    const pool = poolOf(t, [TCP], well)
    await pool.remove('127.0.0.1:1')
    assert.throws(() => pool.add(HTTP), { name: 'OptionError' })
    pool.add(TLS)
  })
})

suite('who balances a pool', () => {
  test('by HTTP has no workers for TCP', (t) => {
    const pool = poolOf(t, [TCP, TLS], well)
    assert.throws(() => loadBalance(pool), {
      name: 'OptionError',
      message:
        "pool: [ 'tcp://127.0.0.1:1', 'tls://127.0.0.1:2' ] is a pool of workers for TCP; use net.createServer(balanceTcp(pool))",
    })
  })

  test('by TCP may have workers for HTTP', (t) => {
    balanceTcp(poolOf(t, [HTTP, HTTPS], well))
  })

  test('by TCP has no sessions', (t) => {
    const pool = poolOf(t, [TCP], { ...well, sticky: { secret: SECRET } })
    assert.throws(() => balanceTcp(pool), {
      name: 'OptionError',
      message: 'sticky: { name: \'rondo\' } is by a cookie, which TCP has not; use the strategy "ip-hash"',
    })
  })

  const byCanary: Strategy = Object.assign((([worker]) => worker) as Strategy, { needsRequest: true })
  for (const [what, strategy] of [
    ['a header', { hash: { by: 'header', name: 'x-user' } }],
    ['a cookie', { hash: { by: 'cookie', name: 'user' } }],
    ['the query', { hash: { by: 'query', name: 'user' } }],
    ['the path', { hash: { by: 'path' } }],
    ['the path, made by hand', hash({ by: 'path' })],
    ['what its own strategy needs', byCanary],
  ] as const)
    test(`by TCP has no strategy that goes by ${what}`, (t) => {
      const pool = poolOf(t, [TCP], { ...well, strategy })
      assert.throws(
        () => balanceTcp(pool),
        /^OptionError: strategy: function .* goes by requests, which TCP has not; use "ip-hash"$/,
      )
    })

  test('by TCP bears such options when they come later, and goes by the address', async (t) => {
    const names = ['a', 'b', 'c', 'd']
    const answered: string[] = []
    const urls = await Promise.all(
      names.map(
        async (name) =>
          `tcp://127.0.0.1:${await listen(
            t,
            createServer((socket) => void socket.end(name)),
          )}`,
      ),
    )
    const pool = poolOf(t, urls, { strategy: 'round-robin' })
    const port = await listenWith(t, pool)
    for (const options of [
      { strategy: { hash: { by: 'path' } } },
      { strategy: { hash: { by: 'header', name: 'x' } }, sticky: { secret: SECRET } },
    ] satisfies PoolOptions[]) {
      pool.update(urls, { health: { schedule: NEVER }, ...options })
      for (let i = 0; i < 4; i++) answered.push(await say(port, ''))
    }
    assert.equal(new Set(answered).size, 1)
    pool.update(urls, { health: { schedule: NEVER }, strategy: 'ip-hash' })
    assert.equal(await say(port, ''), answered[0])
  })
})

suite('a worker that TCP is carried to by TLS', () => {
  async function secured(t: TestContext, meet: (socket: Socket) => void, protocol = 'tls') {
    const authority = createAuthority(t)
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      meet(socket)
    })
    const at = await listen(t, inTls(server, authority.issue(['localhost'])))
    const pool = poolOf(t, [`${protocol}://localhost:${at}`], {
      tls: { ca: authority.cert },
      timeouts: { connect: 5000 },
      health: { type: 'tcp' },
    })
    const port = await listenWith(t, pool)
    await pool.ready
    return { pool, port, authority }
  }

  for (const protocol of ['tls', 'https'])
    test(`gets what the client says to its end, and answers after it, by ${protocol}:`, async (t) => {
      const { pool, port } = await secured(
        t,
        (socket) => {
          const parts: Buffer[] = []
          socket.on('data', (data) => parts.push(data)).on('end', () => socket.end(Buffer.concat(parts)))
        },
        protocol,
      )
      const text = 'x'.repeat(300_000)
      assert.equal(await say(port, text), text)
      await until('it is over', () => pool.stats().workers[0]?.outcomes.closed === 1)
      const [worker] = pool.stats().workers
      assert.deepEqual([worker?.inFlight, worker?.received, worker?.sent], [0, text.length, text.length])
    })

  test('resets the client by resetting', async (t) => {
    const { pool, port } = await secured(t, (socket) => {
      socket.once('data', () => void socket.resetAndDestroy())
    })
    assert.equal(await say(port, 'x'), 'ECONNRESET')
    await until('it is over', () => pool.stats().workers[0]?.outcomes.failed === 1)
  })

  test('is reset by a client that resets', async (t) => {
    const { promise: error, resolve } = Promise.withResolvers<NodeJS.ErrnoException>()
    const { pool, port } = await secured(t, (socket) => {
      socket.once('error', resolve).write('hello')
    })
    const client = connect({ port, host: '127.0.0.1' })
    client.once('data', () => void client.resetAndDestroy())
    assert.equal((await error).code, 'ECONNRESET')
    await until('it is over', () => pool.stats().workers[0]?.outcomes['client-gone'] === 1)
  })

  test('is passed over when its certificate is not believed', async (t) => {
    const authority = createAuthority(t)
    const { cert, key } = authority.issue(['elsewhere.test'])
    const at = await listen(t, inTls(createServer(), { cert, key }))
    const good = await listen(
      t,
      inTls(
        createServer((socket) => void socket.end('good')),
        authority.issue(['localhost']),
      ),
    )
    const pool = poolOf(t, [`tls://localhost:${at}`, `tls://localhost:${good}`], {
      tls: { ca: authority.cert },
      strategy: first,
      ...well,
    })
    const port = await listenWith(t, pool)
    const reasons: string[] = []
    pool.on('retry', (_worker, error) => reasons.push(String(error)))
    assert.equal(await say(port, ''), 'good')
    assert.equal(pool.stats().workers[0]?.failures.connect, 1)
    assert.match(reasons[0] ?? '', /TLS handshake with "localhost" failed: .*elsewhere\.test/)
  })

  test('that does not shake hands in time is passed over', async (t) => {
    const authority = createAuthority(t)
    const mute = await listen(t, createServer())
    const good = await listen(
      t,
      inTls(
        createServer((socket) => void socket.end('good')),
        authority.issue(['localhost']),
      ),
    )
    const pool = poolOf(t, [`tls://localhost:${mute}`, `tls://localhost:${good}`], {
      tls: { ca: authority.cert },
      timeouts: { connect: 300 },
      strategy: first,
      ...well,
    })
    const port = await listenWith(t, pool)
    assert.equal(await say(port, ''), 'good')
    assert.equal(pool.stats().workers[0]?.failures.timeout, 1)
  })

  test('is let go by a client that leaves during the handshake', async (t) => {
    const { promise: came, resolve } = Promise.withResolvers<Socket>()
    const mute = await listen(t, createServer(resolve))
    const pool = poolOf(t, [`tls://localhost:${mute}`], { ...well, timeouts: { connect: 60_000 } })
    const port = await listenWith(t, pool)
    const client = connect({ port, host: '127.0.0.1' })
    const worker = await came
    const closed = new Promise((gone) =>
      worker
        .on('error', () => {})
        .resume()
        .once('close', gone),
    )
    client.resetAndDestroy()
    await closed
    await until('it is over', () => pool.stats().workers[0]?.outcomes['client-gone'] === 1)
    assert.equal(pool.stats().requests.active, 0)
  })
})
