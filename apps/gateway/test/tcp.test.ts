import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { until } from './config/running.ts'
import { get } from './processes.ts'
import { startBackend, startSite } from './reloading.ts'
import { pairOf } from './secure.ts'
import { dial, dialTls, fate, HEADERS, say, startEcho, take } from './tcp-site.ts'

const ADMIN = { listen: '127.0.0.1:0' }

suite('a gateway with tcp alone', () => {
  test('listens for nothing else, carries bytes both ways, and logs each connection when it is over', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'echo' }],
      pools: { echo: { workers: [echo.url] } },
    })
    assert.match(await gateway.line(/ listens on /), /listens on tcp:\/\/127\.0\.0\.1:\d+; pools: echo/)
    const client = await dial(t, gateway.port)
    assert.equal(await say(client, 'hello'), 'hello')
    client.end()
    assert.equal((await fate(client)).how, 'end')
    const line = await gateway.line(/"tcp:/)
    assert.match(
      line,
      new RegExp(
        `^\\S+Z 127\\.0\\.0\\.1 "tcp://127\\.0\\.0\\.1:${gateway.port}" closed in=5 out=5 worker=${echo.id} attempts=1 \\d+\\.\\d ms$`,
      ),
    )
  })

  test('gives the whole answer to a client that ends its side first', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'default' }],
      workers: [echo.url],
    })
    const client = await dial(t, gateway.port)
    const whole = fate(client)
    const payload = 'x'.repeat(3_000_000)
    client.end(payload)
    const { text, how } = await whole
    assert.deepEqual([text.length, how], [payload.length, 'end'])
  })

  test('moves on to another worker, and says of who got none that it failed', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'dead' }],
      pools: { dead: { workers: ['tcp://127.0.0.1:1'] }, echo: { workers: [echo.url] } },
    })
    await gateway.line(/is down/)
    const client = connect({ port: gateway.port, host: '127.0.0.1' }) // the reset may come before it stands here
    t.after(() => client.destroy())
    assert.match((await fate(client)).how, /ECONNRESET|closed/)
    assert.match(
      await gateway.line(/"tcp:/),
      / failed in=0 out=0 worker=- attempts=0 .* ms: no worker is available$/,
    )
  })

  test('logs as JSON where the log says so', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'echo' }],
      pools: { echo: { workers: [echo.url] } },
      log: 'json',
    })
    const client = await dial(t, gateway.port)
    await say(client, 'hello')
    client.resetAndDestroy()
    const entry = JSON.parse(await gateway.line(/^\{/)) as Record<string, unknown>
    const { time, duration, ...rest } = entry
    assert.ok(!Number.isNaN(Date.parse(String(time))) && Number(duration) >= 0)
    assert.deepEqual(rest, {
      client: '127.0.0.1',
      listener: `tcp://127.0.0.1:${gateway.port}`,
      outcome: 'client-gone',
      in: 5,
      out: 5,
      worker: echo.id,
      attempts: 1,
    })
  })
})

suite('a gateway that ends', () => {
  test('lets open TCP connections go on until they are over', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'default' }],
      workers: [echo.url],
      shutdown: '30s',
    })
    const client = await dial(t, gateway.port)
    await say(client, 'a')
    const ended = gateway.end('SIGTERM')
    await gateway.line(/finishing/)
    assert.equal(await say(client, 'still here'), 'still here')
    client.end()
    assert.equal((await fate(client)).how, 'end')
    assert.equal(await ended, 0)
    assert.match(gateway.lines.at(-1) ?? '', /gateway stopped$/)
  })

  test('cuts after its bound what is not over, and no client takes that for an end', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'default', idleTimeout: 0 }],
      workers: [echo.url],
      shutdown: '200ms',
    })
    const client = await dial(t, gateway.port)
    await say(client, 'a')
    const over = fate(client)
    assert.equal(await gateway.end('SIGTERM'), 0)
    assert.equal((await over).how, 'ECONNRESET')
    assert.match(await gateway.line(/"tcp:/), / client-gone in=1 out=1 /)
    assert.match(gateway.lines.at(-1) ?? '', /what was not over after 0\.2 s was cut/)
  })
})

suite('a gateway that is shown to an operator', () => {
  test('has TCP listeners, connections, bytes and refusals in stats and metrics', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(
      t,
      {
        tcp: [{ listen: '127.0.0.1:0', pool: 'echo', maxConnections: 1 }],
        pools: { echo: { workers: [echo.url] } },
        admin: ADMIN,
      },
      { ADMIN: '127.0.0.1:0' },
    )
    const [, admin = ''] = /admin API on (\S+)/.exec(await gateway.line(/admin API on /)) ?? []
    const client = await dial(t, gateway.port)
    await say(client, 'hello')
    const refused = await fate(await dial(t, gateway.port))
    assert.deepEqual(refused, { text: '', how: 'end' })
    await gateway.line(/client 127\.0\.0\.1 was refused: 1 connections are open/)

    const stats = JSON.parse((await get(`${admin}/stats`)).body) as Stats
    const url = `tcp://127.0.0.1:${gateway.port}`
    const [listener] = stats.listeners
    assert.deepEqual(stats.listeners.length, 1)
    assert.deepEqual(listener, {
      url,
      port: gateway.port,
      connections: 1,
      refusals: { full: 1 },
      certificates: [],
    })
    const [worker] = stats.pools['echo']?.workers ?? []
    assert.deepEqual([worker?.url, worker?.inFlight, worker?.received, worker?.sent], [echo.url, 1, 5, 5])
    const { body } = await get(`${admin}/metrics`, { accept: 'application/openmetrics-text' })
    assert.ok(body.includes(`rondo_connections_refused_total{listener="${url}",kind="full"} 1\n`), body)
    assert.ok(body.includes(`rondo_worker_sent_bytes_total{worker="${echo.id}",pool="echo"} 5\n`), body)
    assert.match((await get(`${admin}/metrics`)).body, /^requests_active 1$/m)
  })
})

interface Stats {
  readonly listeners: readonly object[]
  readonly pools: Readonly<
    Record<
      string,
      {
        readonly workers: readonly {
          readonly url: string
          readonly inFlight: number
          readonly received: number
          readonly sent: number
        }[]
      }
    >
  >
}

suite('a drain by the admin API', () => {
  test('lets TCP connections end, cuts the rest, and gives new ones to others', async (t) => {
    const [one, other] = [await startEcho(t, '1'), await startEcho(t, '2')]
    const { gateway } = await startSite(
      t,
      {
        tcp: [{ listen: '127.0.0.1:0', pool: 'echo' }],
        pools: { echo: { workers: [one.url, other.url] } },
      },
      { ADMIN: '127.0.0.1:0' },
    )
    const [, admin = ''] = /admin API on (\S+)/.exec(await gateway.line(/admin API on /)) ?? []
    const clients = [await dial(t, gateway.port), await dial(t, gateway.port)]
    const names = await Promise.all(clients.map((client) => take(client, 1)))
    assert.deepEqual(names.toSorted(), ['1', '2'])
    const first = clients[names.indexOf('1')] as (typeof clients)[number]
    const second = clients[names.indexOf('2')] as (typeof clients)[number]
    const over = fate(first)
    const drained = await fetch(`${admin}/workers/echo/${encodeURIComponent(one.id)}/drain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ timeout: '100ms' }),
    })
    assert.equal(drained.status, 202)
    assert.equal((await over).how, 'ECONNRESET')
    await gateway.line(/is drained; exchanges that were cut: 1/)
    assert.equal(await say(second, 'on'), 'on')
    for (let i = 0; i < 3; i++) assert.equal(await take(await dial(t, gateway.port), 1), '2')
  })

  test('workers for TCP are added and removed', async (t) => {
    const [one, other] = [await startEcho(t, '1'), await startEcho(t, '2')]
    const site = await startSite(
      t,
      { tcp: [{ listen: '127.0.0.1:0', pool: 'echo' }], pools: { echo: { workers: [one.url] } } },
      { ADMIN: '127.0.0.1:0' },
    )
    const { gateway } = site
    const [, admin = ''] = /admin API on (\S+)/.exec(await gateway.line(/admin API on /)) ?? []
    const send = (method: string, path: string, body?: object) =>
      fetch(`${admin}/workers/echo${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
    assert.equal((await send('POST', '', { url: 'http://127.0.0.1:1' })).status, 422)
    assert.equal((await send('POST', '', { url: other.url })).status, 201)
    await gateway.line(new RegExp(`worker ${other.id} is up`))
    assert.equal((await send('DELETE', `/${encodeURIComponent(one.id)}`)).status, 202)
    assert.equal(await take(await dial(t, gateway.port), 1), '2')
    await site.change({
      tcp: [{ listen: '127.0.0.1:0', pool: 'echo', idleTimeout: '1m' }],
      pools: { echo: { workers: [one.url] } },
    })
    assert.equal(await take(await dial(t, gateway.port), 1), '2', 'the edits hold on')
  })
})

suite('a reload with open TCP connections', () => {
  test('leaves them as they are, and new ones go by the new config', async (t) => {
    const [one, other] = [await startEcho(t, '1'), await startEcho(t, '2')]
    const pools = { one: { workers: [one.url] }, other: { workers: [other.url] } }
    const site = await startSite(t, { tcp: [{ listen: '127.0.0.1:0', pool: 'one' }], pools })
    const { port } = site.gateway
    const client = await dial(t, port)
    assert.equal(await take(client, 1), '1')
    assert.match(await site.change({ tcp: [{ listen: '127.0.0.1:0', pool: 'other' }], pools }), /in force/)
    assert.equal(await take(await dial(t, port), 1), '2')
    assert.equal(await say(client, 'on'), 'on')
    // Its pool goes: what is open has the time of a drain.
    assert.match(
      await site.change({
        tcp: [{ listen: '127.0.0.1:0', pool: 'other' }],
        pools: { other: pools.other },
      }),
      /in force/,
    )
    assert.equal(await say(client, 'still on'), 'still on')
    client.end()
    assert.equal((await fate(client)).how, 'end')
  })

  for (const { shutdown, what, how } of [
    { shutdown: '30s', what: 'goes on to its end', how: 'end' },
    { shutdown: '300ms', what: 'is cut after the time of a shutdown', how: 'ECONNRESET' },
  ])
    test(`closes a listener that is gone; a connection of it ${what}`, async (t) => {
      const echo = await startEcho(t)
      const backend = await startBackend(t, 'web')
      const base = {
        pools: { echo: { workers: [echo.url] }, web: { workers: [backend.url] } },
        routes: [{ pool: 'web' }],
        listen: '127.0.0.1:0',
        shutdown,
      }
      const site = await startSite(t, { ...base, tcp: [{ listen: '127.0.0.1:0', pool: 'echo' }] })
      const [, port = ''] = /tcp:\/\/127\.0\.0\.1:(\d+)/.exec(await site.gateway.line(/ listens on /)) ?? []
      const client = await dial(t, Number(port))
      await say(client, 'a')
      const over = fate(client)
      assert.match(await site.change(base), /in force/)
      await assert.rejects(dial(t, Number(port)), { code: 'ECONNREFUSED' })
      if (how === 'end') {
        assert.equal(await say(client, 'still here'), 'still here')
        client.end()
      }
      assert.equal((await over).how, how)
      assert.equal((await get(site.gateway.url)).body, 'web')
    })

  test('changes nothing at all where an address is taken', async (t) => {
    const echo = await startEcho(t, 'x')
    const taken = await startEcho(t)
    const pools = { echo: { workers: [echo.url] } }
    const entry = { listen: '127.0.0.1:0', pool: 'echo' }
    const site = await startSite(t, { tcp: [entry], pools })
    const line = await site.change({
      tcp: [
        { ...entry, maxConnections: 1 },
        { listen: `127.0.0.1:${taken.port}`, pool: 'echo' },
      ],
      pools,
    })
    assert.match(
      line,
      /not reloaded: tcp\.listen: "127\.0\.0\.1:\d+" is taken; give that entry of tcp another/,
    )
    for (let i = 0; i < 3; i++) assert.equal(await take(await dial(t, site.gateway.port), 1), 'x')
  })

  test('makes another pool of one whose workers were for HTTP and are for TCP, and the reverse', async (t) => {
    const echo = await startEcho(t, 'tcp')
    const backend = await startBackend(t, 'web')
    const listen = '127.0.0.1:0'
    const http = { listen, pools: { p: { workers: [backend.url] } }, routes: [{ pool: 'p' }] }
    const tcp = {
      listen,
      tcp: [{ listen, pool: 'p' }],
      pools: { p: { workers: [echo.url] } },
      routes: [{ answer: { status: 200, body: 'own' } }],
    }
    const site = await startSite(t, http, { ADMIN: '127.0.0.1:0' })
    const { gateway } = site
    const [, admin = ''] = /admin API on (\S+)/.exec(await gateway.line(/admin API on /)) ?? []
    const tcpPort = async (): Promise<number> => {
      const { listeners } = JSON.parse((await get(`${admin}/stats`)).body) as {
        listeners: { url: string; port: number }[]
      }
      return listeners.find(({ url }) => url.startsWith('tcp:'))?.port ?? 0
    }
    for (let i = 0; i < 2; i++) {
      assert.equal((await get(gateway.url)).body, 'web')
      assert.match(await site.change(tcp), /in force: p \(127\.0\.0\.1:\d+\)/)
      const client = await dial(t, await tcpPort())
      assert.equal(await take(client, 3), 'tcp')
      assert.equal((await get(gateway.url)).body, 'own')
      assert.match(await site.change(http), /in force/)
      assert.equal(await say(client, 'on'), 'on')
      client.destroy()
    }
    // What no gateway can be leaves all as it was.
    const wrong = { ...tcp, routes: [{ pool: 'p' }] }
    assert.match(await site.change(wrong), /not reloaded: .*"p" is a pool for TCP/)
    assert.equal((await get(gateway.url)).body, 'web')
  })

  test('that changes nothing disturbs nobody, under a stream of connections', async (t) => {
    const echo = await startEcho(t)
    const config = { tcp: [{ listen: '127.0.0.1:0', pool: 'default' }], workers: [echo.url] }
    const site = await startSite(t, config)
    const load = { isOver: false }
    let count = 0
    const clients = Array.from({ length: 8 }, async () => {
      for (; !load.isOver; count++) {
        const client = await dial(t, site.gateway.port)
        assert.equal(await say(client, 'ping'), 'ping')
        client.end()
        assert.equal((await fate(client)).how, 'end')
      }
    })
    for (let i = 0; i < 5; i++) {
      const before = count
      assert.match(await site.change({ ...config, shutdown: `${i + 1}s` }), /in force/)
      await until('some more went through', () => count > before + 20)
    }
    load.isOver = true
    await Promise.all(clients)
  })
})

suite('TLS', () => {
  test('is ended by the gateway, and made again to workers', async (t) => {
    const authority = createAuthority(t)
    const pair = pairOf(authority.issue(['a.test']))
    const worker = authority.issue(['127.0.0.1'])
    const echo = await startEcho(t, 'secure', { cert: worker.cert, key: worker.key })
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'echo', tls: pair }],
      pools: { echo: { workers: [echo.url], tls: { ca: authority.certFile } } },
    })
    const client = await dialTls(t, gateway.port, 'a.test')
    assert.equal(client.alpnProtocol, false)
    assert.equal(await take(client, 6), 'secure')
    assert.equal(await say(client, 'ping'), 'ping')
    client.end()
    assert.equal((await fate(client)).how, 'end')
    assert.match(await gateway.line(/"tcp:/), / closed in=4 out=10 /)
    // Who speaks no TLS is cut, and gets nothing that could be taken for an answer.
    const plain = await dial(t, gateway.port)
    plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal((await fate(plain)).text, '')
    await gateway.line(/client 127\.0\.0\.1 was cut: the TLS handshake failed/)
  })

  test('passes through to pools by the names that clients ask for', async (t) => {
    const authority = createAuthority(t)
    const backend = async (name: string, host: string) => {
      const { cert, key } = authority.issue([host])
      return startEcho(t, name, { cert, key })
    }
    const [a, b] = [await backend('a', 'a.test'), await backend('b', '*.b.test')]
    const through = ({ url }: { url: string }) => ({ workers: [url.replace('tls:', 'tcp:')] })
    const { gateway, change } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', sni: { 'a.test': 'a', '*.b.test': 'b' } }],
      pools: { a: through(a), b: through(b) },
    })
    const { port } = gateway
    assert.equal(await take(await dialTls(t, port, 'a.test'), 1), 'a')
    assert.equal(await take(await dialTls(t, port, 'X.b.test'), 1), 'b')
    await assert.rejects(dialTls(t, port, 'other.test'), { code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' })
    await gateway.line(/client 127\.0\.0\.1 was refused: it asks for a name that sni has not/)
    await change({
      tcp: [{ listen: '127.0.0.1:0', sni: { 'a.test': 'a' }, pool: 'b' }],
      pools: { a: through(a), b: through(b) },
    })
    assert.equal(await take(await dialTls(t, port, 'other.test'), 1), 'b')
  })
})

suite('PROXY headers', () => {
  test('tell an HTTP listener who the client is: the log and X-Forwarded-For show it', async (t) => {
    const backend = await startBackend(t, 'web')
    const { gateway } = await startSite(t, {
      listen: { port: 0, host: '127.0.0.1', proxyProtocol: { accept: 'on' } },
      workers: [backend.url],
      trustedProxies: ['127.0.0.1'],
    })
    const client = await dial(t, gateway.port)
    const answer = fate(client)
    client.write(HEADERS.v2)
    client.write('GET /headers HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
    assert.match((await answer).text, /"x-forwarded-for":"203\.0\.113\.7"/)
    assert.match(await gateway.line(/GET \/headers/), / 203\.0\.113\.7 "GET \/headers" 200 /)
    const bare = await dial(t, gateway.port)
    bare.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    assert.equal((await fate(bare)).text, '')
    await gateway.line(/client 127\.0\.0\.1 was cut: it does not begin with a PROXY header that can be read/)
  })

  test('are taken off and put on again by a TCP listener', async (t) => {
    const echo = await startEcho(t)
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'echo', proxyProtocol: { accept: true, send: 'v1' } }],
      pools: { echo: { workers: [echo.url] } },
      trustedProxies: ['127.0.0.1'],
    })
    const client = await dial(t, gateway.port)
    const expected = `${HEADERS.v1.toString('latin1')}hello`
    const answer = take(client, expected.length)
    client.write(HEADERS.v2)
    client.write('hello')
    assert.equal(await answer, expected)
    client.end()
    assert.match(await gateway.line(/"tcp:/), / 203\.0\.113\.7 "tcp:\S+" closed in=5 out=\d+ /)
  })

  test('come before TLS, from the client and to the worker', async (t) => {
    const authority = createAuthority(t)
    const pair = pairOf(authority.issue(['a.test']))
    const { cert, key } = authority.issue(['127.0.0.1'])
    const worker = await startEcho(t, 'inside', { cert, key })
    // In between stands what takes the header off again, as the worker's own gateway would.
    const { gateway: inner } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'default', proxyProtocol: { accept: 'on' } }],
      workers: [worker.url.replace('tls:', 'tcp:')],
      trustedProxies: ['loopback'],
    })
    const { gateway } = await startSite(t, {
      tcp: [{ listen: '127.0.0.1:0', pool: 'in', tls: pair, proxyProtocol: { accept: 'on', send: 'v2' } }],
      pools: {
        in: { workers: [`tls://127.0.0.1:${inner.port}`], tls: { ca: authority.certFile } },
      },
      trustedProxies: ['loopback'],
    })
    await gateway.line(/is up/)
    const raw = await dial(t, gateway.port)
    raw.write(HEADERS.v1)
    const client = connectTls({ socket: raw, servername: 'a.test', rejectUnauthorized: false })
    assert.equal(await take(client, 6), 'inside')
    assert.equal(await say(client, 'ping'), 'ping')
    client.end()
    assert.match(await gateway.line(/"tcp:/), / 203\.0\.113\.7 "tcp:\S+" closed in=4 out=10 /)
    assert.match(await inner.line(/203.*"tcp:/), / 203\.0\.113\.7 "tcp:\S+" closed /)
  })
})
