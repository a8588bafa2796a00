import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { createAuthority, type Certificate } from '../../../../packages/balancer/test/support/certificates.ts'
import { askSecurely, issueRsa, pairOf, serialAt, serialOf } from '../secure.ts'
import { dial, dialTls, fate, HEADERS, say, startEcho, take } from '../tcp-site.ts'
import { covers } from './covers.ts'
import { ask, SELDOM, start, startWorker, until, type Running } from './running.ts'

const LISTEN = '127.0.0.1:0'

interface TcpRunning extends Running {
  /** Of the first listener for TCP. */
  readonly tcp: number
}

/** A gateway with a listener for TCP. It has one for HTTP too if `fields` say so. */
async function startTcp(t: TestContext, entry: object, fields: object): Promise<TcpRunning> {
  const running = await start(t, { listen: undefined, tcp: [{ listen: LISTEN, ...entry }], ...fields })
  return { ...running, tcp: running.gateway.tcp[0]?.port ?? 0 }
}

suite('an entry of tcp', () => {
  test('listens at its address for its pool', async (t) => {
    covers('tcp[].listen', 'tcp[].pool')
    const [a, b] = [await startEcho(t, 'a'), await startEcho(t, 'b')]
    const { gateway } = await start(t, {
      listen: undefined,
      tcp: [
        { listen: LISTEN, pool: 'a' },
        { listen: 0, pool: 'b' },
      ],
      pools: { a: { workers: [a.url] }, b: { workers: [b.url] } },
    })
    assert.deepEqual(gateway.listeners, [])
    const names = gateway.tcp.map(async ({ port }) => take(await dial(t, port), 1))
    assert.deepEqual(await Promise.all(names), ['a', 'b'])
  })

  test('carries connections to workers for HTTP too', async (t) => {
    const worker = await startWorker(t)
    const { tcp, gateway } = await startTcp(t, { pool: 'default' }, { workers: [worker.url] })
    assert.deepEqual(gateway.listeners, [])
    const { got } = await ask(`http://127.0.0.1:${tcp}/as/it/is`)
    assert.equal(got.url, '/as/it/is')
    assert.equal(got.headers['x-forwarded-for'], undefined)
  })

  test('leaves HTTP as it is where there is some', async (t) => {
    const [echo, worker] = [await startEcho(t, 'x'), await startWorker(t)]
    const { tcp, url } = await startTcp(
      t,
      { pool: 'echo' },
      { listen: LISTEN, workers: [worker.url], pools: { echo: { workers: [echo.url] } } },
    )
    assert.equal((await ask(url)).status, 200)
    assert.equal(await take(await dial(t, tcp), 1), 'x')
  })

  test('gets no request by HTTP where its pool is the default', async (t) => {
    const echo = await startEcho(t, 'x')
    const { tcp, url } = await startTcp(t, { pool: 'default' }, { listen: LISTEN, workers: [echo.url] })
    assert.equal((await ask(url)).status, 404)
    assert.equal((await ask(`${url}/metrics`)).status, 200)
    assert.equal(await take(await dial(t, tcp), 1), 'x')
  })

  test('ends connections that are silent for too long, or where one side alone has ended', async (t) => {
    covers('tcp[].idleTimeout', 'tcp[].halfCloseTimeout')
    const echo = await startEcho(t)
    const workers = [echo.url]
    const strict = await startTcp(t, { pool: 'default', idleTimeout: '50ms' }, { workers })
    const silent = await dial(t, strict.tcp)
    assert.equal((await fate(silent)).how, 'ECONNRESET')

    const sink = await startWorker(t) // it waits for a request, and does not mind that none will come
    const half = { pool: 'default', idleTimeout: 0, halfCloseTimeout: '50ms' }
    const lingering = await startTcp(t, half, { workers: [sink.url] })
    const [open, ended] = [await dial(t, lingering.tcp), await dial(t, lingering.tcp)]
    ended.write('GET /?delay=60000 HTTP/1.1\r\nHost: a\r\n\r\n')
    ended.end()
    await fate(ended)
    open.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.match(await take(open, 15), /^HTTP\/1\.1 200 OK/)
  })

  test('has so many connections at a time; who comes beyond is sent away with a clean end', async (t) => {
    covers('tcp[].maxConnections')
    const echo = await startEcho(t)
    const { tcp, gateway, reload } = await startTcp(
      t,
      { pool: 'default', maxConnections: 2 },
      { workers: [echo.url] },
    )
    const clients = [await dial(t, tcp), await dial(t, tcp)]
    await Promise.all(clients.map((client) => say(client, 'a')))
    for (let i = 0; i < 3; i++) {
      const beyond = await dial(t, tcp)
      const { text, how } = await fate(beyond)
      assert.deepEqual([text, how], ['', 'end'])
    }
    assert.deepEqual(Object.fromEntries(gateway.tcp[0]?.served.refusals ?? []), { full: 3 })
    clients[0]?.destroy()
    await until('there is room', async () => (await say(await dial(t, tcp), 'b')) === 'b')
    await reload({ listen: undefined, tcp: [{ listen: LISTEN, pool: 'default' }], workers: [echo.url] })
    assert.equal(await say(await dial(t, tcp), 'c'), 'c')
    const limits = { connections: 1 }
    await reload({
      listen: undefined,
      limits,
      tcp: [{ listen: LISTEN, pool: 'default' }],
      workers: [echo.url],
    })
    assert.equal((await fate(await dial(t, tcp))).how, 'end')
  })

  test('tells workers who the client is, and their probes that nobody is', async (t) => {
    covers('tcp[].proxyProtocol.send')
    const echo = await startEcho(t)
    const fields = { pools: { echo: { workers: [echo.url], health: { schedule: SELDOM } } } }
    const { tcp, gateway } = await startTcp(t, { pool: 'echo', proxyProtocol: { send: 'v1' } }, fields)
    const client = await dial(t, tcp)
    const header = `PROXY TCP4 127.0.0.1 127.0.0.1 ${client.localPort} ${tcp}\r\n`
    assert.equal(await take(client, header.length), header)
    assert.equal(gateway.config?.pools.get('echo')?.options.health?.proxyProtocol, undefined)
    const second = await startTcp(t, { pool: 'echo', proxyProtocol: { send: 'v2' } }, fields)
    assert.equal(second.gateway.config?.pools.get('echo')?.options.health?.proxyProtocol, 'v2')
    await take(await dial(t, second.tcp), 28)
    const [worker] = second.gateway.pools.get('echo')?.stats().workers ?? []
    assert.equal(worker?.lastProbe?.isWell, true)
  })

  test('demands a header where it accepts some', async (t) => {
    covers('tcp[].proxyProtocol.accept')
    const echo = await startEcho(t)
    const fields = { workers: [echo.url], trustedProxies: ['127.0.0.1'] }
    const { tcp, gateway, reload } = await startTcp(
      t,
      { pool: 'default', proxyProtocol: { accept: 'on' } },
      fields,
    )
    const client = await dial(t, tcp)
    client.write(HEADERS.v1)
    assert.equal(await say(client, 'hello'), 'hello')
    const bare = await dial(t, tcp)
    bare.write('hello, who is it? this is no header of any kind, and it goes on')
    assert.equal((await fate(bare)).text, '')
    assert.deepEqual(Object.fromEntries(gateway.tcp[0]?.served.refusals ?? []), { 'proxy-malformed': 1 })

    await reload({
      ...fields,
      listen: undefined,
      trustedProxies: ['10.0.0.1'],
      tcp: [{ listen: LISTEN, pool: 'default', proxyProtocol: { accept: true } }],
    })
    const stranger = await dial(t, tcp)
    assert.equal((await fate(stranger)).text, '')
    assert.equal(gateway.tcp[0]?.served.refusals.get('proxy-untrusted'), 1)
    await reload({ ...fields, listen: undefined, tcp: [{ listen: LISTEN, pool: 'default' }] })
    assert.equal(await say(await dial(t, tcp), 'PROXY TCP4 or not'), 'PROXY TCP4 or not')
    assert.equal(await say(client, 'on'), 'on')
  })

  test('passes TLS through by name', async (t) => {
    covers('tcp[].sni.*')
    const authority = createAuthority(t)
    const one = authority.issue(['a.test'])
    const echo = await startEcho(t, 'inside', { cert: one.cert, key: one.key })
    const { tcp, gateway } = await startTcp(
      t,
      { sni: { 'A.test': 'a' } },
      { pools: { a: { workers: [echo.url.replace('tls:', 'tcp:')] } } },
    )
    const client = await dialTls(t, tcp, 'a.test')
    assert.equal(client.getPeerX509Certificate()?.serialNumber, serialOf(one))
    assert.equal(await take(client, 6), 'inside')
    const plain = await dial(t, tcp)
    plain.write('GET / HTTP/1.1\r\n\r\n')
    await fate(plain)
    assert.deepEqual(Object.fromEntries(gateway.tcp[0]?.served.refusals ?? []), { 'hello-malformed': 1 })
  })
})

suite('an entry of tcp with tls', () => {
  test('shows its certificates by name', async (t) => {
    covers('tcp[].tls.cert', 'tcp[].tls.key', 'tcp[].tls.certificates[].cert')
    covers('tcp[].tls.certificates[].key')
    const authority = createAuthority(t)
    const [a, b] = [authority.issue(['a.test']), authority.issue(['b.test'])] as [Certificate, Certificate]
    const echo = await startEcho(t, 'x')
    const fields = { workers: [echo.url] }
    const single = await startTcp(t, { pool: 'default', tls: pairOf(a) }, fields)
    assert.equal(await serialAt(single.tcp, 'a.test'), serialOf(a))
    const tls = { certificates: [pairOf(a), pairOf(b)] }
    const both = await startTcp(t, { pool: 'default', tls }, fields)
    assert.equal(await serialAt(both.tcp, 'a.test'), serialOf(a))
    assert.equal(await serialAt(both.tcp, 'b.test'), serialOf(b))
    assert.equal(await take(await dialTls(t, both.tcp, 'b.test'), 1), 'x')
    // Another certificate is for new connections; the open ones go on.
    const open = await dialTls(t, single.tcp, 'a.test')
    await take(open, 1)
    await single.reload({
      ...fields,
      listen: undefined,
      tcp: [{ listen: LISTEN, pool: 'default', tls: pairOf(b) }],
    })
    assert.equal(await serialAt(single.tcp, 'a.test'), serialOf(b))
    assert.equal(await say(open, 'on'), 'on')
  })

  test('opens an encrypted key by its passphrase', async (t) => {
    covers('tcp[].tls.passphrase', 'tcp[].tls.certificates[].passphrase')
    const rsa = issueRsa(createAuthority(t), 'a.test', 'hush')
    const pair = { ...pairOf(rsa), passphrase: 'hush' }
    const echo = await startEcho(t)
    for (const tls of [pair, { certificates: [pair] }]) {
      const { tcp } = await startTcp(t, { pool: 'default', tls }, { workers: [echo.url] })
      assert.equal(await serialAt(tcp, 'a.test'), serialOf(rsa))
    }
  })

  test('speaks no version below minVersion', async (t) => {
    covers('tcp[].tls.minVersion')
    const authority = createAuthority(t)
    const tls = { ...pairOf(authority.issue(['a.test'])), minVersion: '1.3' }
    const echo = await startEcho(t)
    const { tcp, gateway } = await startTcp(t, { pool: 'default', tls }, { workers: [echo.url] })
    await assert.rejects(serialAt(tcp, 'a.test', { maxVersion: 'TLSv1.2' }), /protocol version/)
    assert.equal(gateway.tcp[0]?.served.refusals.get('tls-handshake'), 1)
  })

  test('asks clients for certificates', async (t) => {
    covers('tcp[].tls.clients.ca', 'tcp[].tls.clients.required')
    const [authority, people] = [createAuthority(t), createAuthority(t, 'people')]
    const me = people.issue(['me'])
    const echo = await startEcho(t, 'x')
    const asking = { ...pairOf(authority.issue(['a.test'])), clients: { ca: people.certFile } }
    const { tcp, gateway } = await startTcp(t, { pool: 'default', tls: asking }, { workers: [echo.url] })
    const known = { cert: me.cert, key: me.key }
    assert.equal(await greeting(t, tcp, known), 'x')
    assert.equal(await greeting(t, tcp, {}), '')
    assert.equal(gateway.tcp[0]?.served.refusals.get('tls-certificate'), 1)
    const lax = { ...asking, clients: { ...asking.clients, required: false } }
    const other = await startTcp(t, { pool: 'default', tls: lax }, { workers: [echo.url] })
    assert.equal(await greeting(t, other.tcp, {}), 'x')
  })
})

/** What the worker says first; empty where the gateway cuts the connection. */
function greeting(t: TestContext, port: number, options: object): Promise<string> {
  const to = { port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false }
  const socket: TLSSocket = connect({ ...to, ...options }).on('error', () => {})
  t.after(() => socket.destroy())
  return take(socket, 1)
}

suite('a listener for HTTP that accepts PROXY headers', () => {
  test('takes the client from them, under TLS too', async (t) => {
    covers('listen.proxyProtocol.accept', 'listen[].proxyProtocol.accept')
    const worker = await startWorker(t)
    const fields = { workers: [worker.url], trustedProxies: ['127.0.0.1'] }
    const listen = { port: 0, host: '127.0.0.1', proxyProtocol: { accept: 'on' } }
    const authority = createAuthority(t)
    const tls = pairOf(authority.issue(['a.test']))
    for (const each of [listen, [listen]]) {
      const { port, gateway, reload } = await start(t, { ...fields, listen: each })
      const client = await dial(t, port)
      client.write(HEADERS.v1)
      client.write('GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n')
      assert.match((await fate(client)).text, /"x-forwarded-for":"203\.0\.113\.7"/)
      const bare = await fate(await dial(t, port).then((socket) => socket.end('GET / HTTP/1.1\r\n\r\n')))
      assert.equal(bare.text, '')
      assert.equal(gateway.listeners[0]?.served.refusals.get('proxy-malformed'), 1)

      await reload({ ...fields, listen: [{ ...listen, tls }] })
      const raw = await dial(t, port)
      raw.write(HEADERS.v2)
      const secure = connect({ socket: raw, servername: 'a.test', rejectUnauthorized: false })
      const answer = fate(secure)
      secure.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      assert.match((await answer).text, /"x-forwarded-for":"203\.0\.113\.7"/)

      await reload({ ...fields, listen: [{ ...listen, tls, proxyProtocol: { accept: 'off' } }] })
      assert.equal((await askSecurely(port, 'a.test', { rejectUnauthorized: false })).status, 200)
    }
  })
})
