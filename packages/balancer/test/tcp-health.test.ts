import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { checkPool, createPool, type HealthOptions, type Pool, type PoolOptions } from '../src/index.ts'
import { queueless } from './faults/unreachable.ts'
import { createAuthority } from './support/certificates.ts'
import { NEVER } from './support/fakes.ts'
import { deadPort, listen } from './support/listen.ts'
import { inTls } from './support/tls-workers.ts'

const PING = { send: 'PING\r\n', expect: '+PONG\r\n' } as const

async function poolOf(
  t: TestContext,
  urls: readonly string[],
  health: HealthOptions = {},
  options: PoolOptions = {},
) {
  const pool = createPool(urls, { ...options, health: { schedule: NEVER, rise: 1, fall: 1, ...health } })
  t.after(() => pool.close({ timeout: 1 }))
  await pool.ready
  return pool
}

function verdict(pool: Pool): [boolean | undefined, string | undefined] {
  const [worker] = pool.stats().workers
  return [worker?.alive, worker?.lastProbe?.reason]
}

/** Says what Redis would; `loading`, as long as it is, to everything. */
async function fakeRedis(t: TestContext) {
  const redis = { url: '', port: 0, loading: false, said: '' }
  const server = createServer((socket) => {
    let line = ''
    socket.setEncoding('latin1').on('data', (data: string) => {
      redis.said += data
      line += data
      if (!line.endsWith('\r\n')) return
      const answer = redis.loading
        ? '-LOADING Redis is loading the dataset in memory'
        : line.startsWith('PING')
          ? '+PONG'
          : '-ERR unknown'
      socket.write(`${answer}\r\n`)
      line = ''
    })
  })
  redis.port = await listen(t, server)
  redis.url = `tcp://127.0.0.1:${redis.port}`
  return redis
}

suite('a pool of workers for TCP', () => {
  test('probes by connecting, and shows its workers as they were given', async (t) => {
    const port = await listen(t, createServer())
    const dead = await deadPort()
    const pool = await poolOf(t, [`tcp://127.0.0.1:${port}`, `tcp://127.0.0.1:${dead}`])
    const [well, sick] = pool.stats().workers
    assert.deepEqual(
      [well?.url, well?.id, well?.alive, well?.lastProbe?.reason],
      [`tcp://127.0.0.1:${port}`, `127.0.0.1:${port}`, true, 'probe succeeded'],
    )
    assert.deepEqual(
      [sick?.url, sick?.alive, sick?.lastProbe?.reason],
      [`tcp://127.0.0.1:${dead}`, false, `connect ECONNREFUSED 127.0.0.1:${dead}`],
    )
  })

  test('tells of a worker that takes no connection that no answer came', async (t) => {
    const mute = await queueless()
    t.after(() => mute.close())
    const pool = await poolOf(t, [`tcp://127.0.0.1:${mute.port}`], { timeout: 200 })
    assert.deepEqual(verdict(pool), [false, 'no answer within 200 ms'])
  })

  test('tells of a worker that takes the connection and is silent that no answer came', async (t) => {
    const port = await listen(t, createServer())
    const pool = await poolOf(t, [`tcp://127.0.0.1:${port}`], { timeout: 200, ...PING })
    assert.deepEqual(verdict(pool), [false, 'no answer within 200 ms'])
  })

  test('asks Redis by PING, and tells what it said where that is not +PONG', async (t) => {
    const redis = await fakeRedis(t)
    const pool = await poolOf(t, [redis.url], { timeout: 200, ...PING })
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
    redis.loading = true
    await pool.poll()
    assert.deepEqual(verdict(pool), [
      false,
      String.raw`answered "-LOADING Redis is loading the dataset in memory\r\n", not "+PONG\r\n"`,
    ])
    redis.loading = false
    await pool.poll()
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
    assert.equal(redis.said, 'PING\r\n'.repeat(3))
  })

  test('asks by HTTP at another port, where its health says so', async (t) => {
    const asked: (string | undefined)[] = []
    const port = await listen(
      t,
      createHttpServer((req, res) => {
        asked.push(req.url, req.headers.host)
        res.writeHead(asked.length > 2 ? 503 : 200).end()
      }),
    )
    const redis = await fakeRedis(t)
    const pool = await poolOf(t, [redis.url], { type: 'http', port, path: '/ready' })
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
    await pool.poll()
    assert.deepEqual(verdict(pool), [false, 'GET /ready answered 503'])
    assert.deepEqual(asked.slice(0, 2), ['/ready', `127.0.0.1:${port}`])
    assert.equal(redis.said, '')
  })

  test('keeps its verdicts when its health changes, and goes by the new one from then on', async (t) => {
    const redis = await fakeRedis(t)
    const pool = await poolOf(t, [redis.url])
    const told: string[] = []
    for (const event of ['up', 'down'] as const)
      pool.on(event, ({ id }, reason) => told.push(`${event} ${id}: ${reason}`))
    for (const health of [
      PING,
      { ...PING, expect: Buffer.from('+PONG') },
      { ...PING, expect: /^\+PONG/ },
      { port: await deadPort() },
    ]) {
      const before = pool.stats().workers[0]?.lastProbe
      pool.update([redis.url], { health: { schedule: NEVER, timeout: 200, rise: 1, fall: 1, ...health } })
      assert.deepEqual([pool.workers[0]?.alive, pool.stats().workers[0]?.lastProbe], [true, before])
      await pool.poll()
    }
    assert.equal(redis.said, 'PING\r\n'.repeat(3))
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /^down 127\.0\.0\.1:\d+: connect ECONNREFUSED/)
  })

  for (const type of ['tcp', 'http'] as const)
    test(`is probed by ${type} behind a header of the PROXY protocol, where its workers demand one`, async (t) => {
      const said: Buffer[] = []
      const server = createServer((socket) => {
        socket.on('data', (data) => {
          said.push(data)
          if (data.includes('\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
        })
      })
      const port = await listen(t, server)
      const talk = type === 'tcp' ? { send: 'hi\r\n\r\n', expect: 'OK' } : {}
      const pool = await poolOf(t, [`tcp://127.0.0.1:${port}`], { type, proxyProtocol: 'v2', ...talk })
      assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
      const [header, rest] = [Buffer.concat(said).subarray(0, 16), Buffer.concat(said).subarray(16)]
      assert.equal(header.toString('hex'), '0d0a0d0a000d0a515549540a20000000')
      assert.match(rest.toString(), type === 'tcp' ? /^hi/ : /^GET \/health HTTP\/1\.1\r\n/)
    })

  test('is probed by TLS where its workers speak it, and a certificate that is not believed is the reason', async (t) => {
    const authority = createAuthority(t)
    const alpn: (string | false | null)[] = []
    const server = createServer((socket: Socket) => {
      alpn.push((socket as TLSSocket).alpnProtocol)
      socket.once('data', () => void socket.end('+PONG\r\n'))
    })
    const port = await listen(
      t,
      inTls(server, { ...authority.issue(['localhost']), ALPNProtocols: ['redis'] }),
    )
    const url = `tls://localhost:${port}`
    const trusting = { tls: { ca: authority.cert } }
    const pool = await poolOf(t, [url], PING, trusting)
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
    assert.deepEqual(alpn, [false], 'none is asked for: a server that has others would refuse')
    assert.equal(pool.stats().workers[0]?.url, url)
    const doubting = await poolOf(t, [url], PING)
    const [alive, reason] = verdict(doubting)
    assert.equal(alive, false)
    assert.match(reason ?? '', /^TLS handshake with "localhost" failed: /)
    const plain = await poolOf(t, [
      `tls://127.0.0.1:${await listen(
        t,
        createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
      )}`,
    ])
    assert.match(
      verdict(plain)[1] ?? '',
      /^TLS handshake with "127\.0\.0\.1" failed: .*does it speak TLS at all\?$/,
    )
  })

  test('is probed behind a header of the PROXY protocol that comes before TLS', async (t) => {
    const authority = createAuthority(t)
    const { cert, key } = authority.issue(['localhost'])
    const inner = createTlsServer({ cert, key }, (socket) => void socket.end('+PONG\r\n')).on(
      'tlsClientError',
      () => {},
    )
    const headers: string[] = []
    const outer = createServer((socket) => {
      socket.once('readable', () => {
        headers.push((socket.read(16) as Buffer).toString('hex'))
        inner.emit('connection', socket)
      })
    })
    const url = `tls://localhost:${await listen(t, outer)}`
    const pool = await poolOf(
      t,
      [url],
      { expect: '+PONG', proxyProtocol: 'v2' },
      { tls: { ca: authority.cert } },
    )
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
    assert.deepEqual(headers, ['0d0a0d0a000d0a515549540a20000000'])
  })

  test('of HTTP may be probed by connecting', async (t) => {
    const port = await listen(
      t,
      createServer((socket) => void socket.end()),
    )
    const pool = await poolOf(t, [`http://127.0.0.1:${port}`], { type: 'tcp' })
    assert.deepEqual(verdict(pool), [true, 'probe succeeded'])
  })
})

suite('options of health that say nothing to their probe are errors that say the mend:', () => {
  const TCP = 'tcp://a.test:1'
  const HTTP = 'http://a.test'
  for (const [url, health, message] of [
    [TCP, { type: 'udp' }, 'type: "udp" is no type of probe; use "http" or "tcp"'],
    [TCP, { port: 0 }, 'port: 0 is no port; give a whole number from 1 to 65535'],
    [TCP, { port: '80' }, 'port: "80" is no port; give a whole number from 1 to 65535'],
    [TCP, { port: 65_536 }, 'port: 65536 is no port; give a whole number from 1 to 65535'],
    [TCP, { send: '' }, 'send: "" is nothing to say; give a text or a Buffer that is not empty'],
    [TCP, { send: 7 }, 'send: 7 is nothing to say; give a text or a Buffer that is not empty'],
    [TCP, { send: 'x'.repeat(65_537) }, 'send: 65537 bytes are too many; give 65536 at most'],
    [TCP, { expect: '' }, 'expect: "" is nothing to say; give a text or a Buffer that is not empty'],
    [TCP, { expect: 'ü'.repeat(32_769) }, 'expect: 65538 bytes are too many; give 65536 at most'],
    [TCP, { proxyProtocol: 'v1' }, 'proxyProtocol: "v1" is none that probes send; use "v2"'],
    [TCP, { path: '/up' }, 'path: "/up" is for probes by HTTP; leave it out, or give health.type "http"'],
    [HTTP, { send: 'x' }, 'send: "x" is for probes by TCP; leave it out, or give health.type "tcp"'],
    [HTTP, { expect: /x/ }, 'expect: /x/ is for probes by TCP; leave it out, or give health.type "tcp"'],
    [
      TCP,
      { port: 80, probe: async () => {} },
      'port: 80 does nothing beside a probe of your own; leave one of them out',
    ],
  ] as const)
    test(message, () => {
      const check = (): void => checkPool([url], { health: health as HealthOptions })
      assert.throws(check, { name: 'OptionError', message: `health.${message}` })
    })
})
