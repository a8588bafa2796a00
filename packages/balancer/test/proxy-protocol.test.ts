import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp, Server as HttpServer, type RequestListener } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { createServer as createTls } from 'node:tls'
import express from 'express'
import { acceptProxyProtocol, OptionError } from '../src/index.ts'
import { LOCAL_V2 } from '../src/tcp/proxy-protocol.ts'
import { createAuthority } from './support/certificates.ts'
import {
  accepting,
  all,
  ARRIVALS,
  ask,
  askTls,
  dialed,
  endsOf,
  HEADERS,
  LOOPBACK,
  send,
  SHOWN,
} from './support/proxied.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const show: RequestListener = (req, res) => void res.end(endsOf(req.socket))

/** Answers to `hello`. */
function greet(socket: Socket): void {
  let data = ''
  socket.on('data', (chunk) => {
    data += chunk
    if (data === 'hello') socket.end(`${data} ${endsOf(socket)}`)
  })
}

const VERSIONS = ['v1', 'v2'] as const

suite('a header of the PROXY protocol is taken off', () => {
  const servers: Record<string, (tls: object) => Server> = {
    'node:http': () => createHttp(show),
    'node:https': (tls) => createHttps(tls, show),
    'node:net': () => createServer(greet),
    'node:tls': (tls) => createTls(tls, greet),
  }

  for (const [name, create] of Object.entries(servers))
    for (const version of VERSIONS)
      for (const arrival of ARRIVALS)
        test(`${version} before ${name}, ${arrival}`, async (t) => {
          const tls = name.endsWith('s') ? createAuthority(t).issue(['127.0.0.1']) : {}
          const server = create(tls)
          const { port, refused } = await accepting(t, server)
          const payload = name.includes('http') ? GET : 'hello'
          const asks = name.endsWith('s') ? askTls : ask
          const answer = await asks(t, port, HEADERS[version], payload, arrival)
          assert.ok(answer.endsWith(payload === GET ? `\r\n\r\n${SHOWN}` : `hello ${SHOWN}`), answer)
          assert.deepEqual(refused, [])
        })

  test('before HTTP/2 in the clear', async (t) => {
    const server = createHttp2((req, res) => void res.end(endsOf(req.socket)))
    const { port } = await accepting(t, server)
    const socket = await dialed(t, port)
    socket.write(HEADERS.v2)
    const session = connectHttp2('http://a', { createConnection: () => socket })
    t.after(() => session.destroy())
    assert.equal(await all(session.request({ ':path': '/' })), SHOWN)
  })

  test('on a socket of the Unix domain, whose rule of trust is asked about an empty address', async (t) => {
    const path = `\0rondo-proxy-protocol-${process.pid}`
    const server = createHttp(show)
    acceptProxyProtocol(server, { trustedProxies: (address) => address === '' })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    t.after(() => server.close())
    const socket = connect({ path, allowHalfOpen: true })
    const answer = all(socket)
    socket.write(Buffer.concat([HEADERS.v1, Buffer.from(GET)]))
    assert.ok((await answer).endsWith(SHOWN))
  })

  test('of IPv6, and of IPv4 that is mapped into it, with the family that sockets tell', async (t) => {
    const { port } = await accepting(t, createHttp(show))
    const header = Buffer.from('PROXY TCP6 2001:DB8::0:7 ::ffff:1.2.3.4 1 2\r\n')
    assert.ok((await ask(t, port, header, GET)).endsWith('\r\n\r\n2001:db8::7:1 IPv6 > ::ffff:1.2.3.4:2'))
  })

  test('of UNKNOWN and LOCAL leaves the proxy its own address', async (t) => {
    const server = createServer((socket) =>
      socket.once('data', (data) =>
        socket.end(`${String(data)} ${socket.remoteAddress} ${socket.localPort}`),
      ),
    )
    const { port } = await accepting(t, server)
    for (const header of [
      LOCAL_V2,
      Buffer.from('PROXY UNKNOWN\r\n'),
      Buffer.from('PROXY UNKNOWN 1.2.3.4 x\r\n'),
    ])
      assert.equal(await ask(t, port, header, 'hello'), `hello 127.0.0.1 ${port}`)
  })

  test('where an IPv4 proxy comes to a listener for IPv4 and IPv6', async (t) => {
    const { port, refused } = await accepting(t, createHttp(show), { host: '::' })
    assert.ok((await ask(t, port, HEADERS.v1, GET)).endsWith(SHOWN))
    assert.deepEqual(refused, [])
  })

  test("so that Express's req.ip is the header's address, or whom that one names if it is trusted", async (t) => {
    const app = express()
    app.set('trust proxy', ['203.0.113.7'])
    app.get('/', (req, res) => void res.send(`${req.ip}`))
    const { port } = await accepting(t, createHttp(app))
    assert.ok((await ask(t, port, HEADERS.v2, GET)).endsWith('\r\n203.0.113.7'))
    const forwarded = GET.replace('\r\n', '\r\nX-Forwarded-For: 192.0.2.1\r\n')
    assert.ok((await ask(t, port, HEADERS.v2, forwarded)).endsWith('\r\n192.0.2.1'))
    const other = Buffer.from('PROXY TCP4 203.0.113.8 1.2.3.4 1 2\r\n')
    assert.ok((await ask(t, port, other, forwarded)).endsWith('\r\n203.0.113.8'))
  })

  test('once: what looks like another one is the payload', async (t) => {
    const server = createServer((socket) => socket.once('data', (data) => socket.end(data)))
    const { port } = await accepting(t, server)
    assert.equal(await ask(t, port, HEADERS.v1, 'PROXY UNKNOWN\r\n'), 'PROXY UNKNOWN\r\n')
  })
})

suite('behind a header of the PROXY protocol', () => {
  test('requests that came with it are answered in their order, and later ones too', async (t) => {
    const server = createHttp((req, res) => void res.end(`${req.url} ${req.socket.remoteAddress};`))
    const { port } = await accepting(t, server)
    const socket = await dialed(t, port)
    const answer = all(socket)
    const get = (path: string): string => GET.replace('/ ', `${path} `).replace('close', 'keep-alive')
    socket.write(Buffer.concat([HEADERS.v2, Buffer.from(get('/1') + get('/2') + get('/3').slice(0, 9))]))
    const [req] = await once(server, 'request')
    assert.equal(req.url, '/1')
    socket.write(get('/3').slice(9))
    await once(server, 'request')
    socket.write(GET)
    const bodies = (await answer).match(/\S+ 203\.0\.113\.7;/g)
    assert.deepEqual(
      bodies,
      ['/1', '/2', '/3', '/'].map((path) => `${path} 203.0.113.7;`),
    )
  })

  for (const arrival of ARRIVALS)
    test(`an upgrade gets its first bytes, ${arrival}`, async (t) => {
      const server = createHttp().on('upgrade', (req, socket, head) => {
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n${endsOf(req.socket)} ${String(head)}`)
        socket.pipe(socket)
      })
      const { port } = await accepting(t, server)
      const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n'
      const socket = await dialed(t, port)
      const answer = all(socket)
      const bytes = Buffer.concat([HEADERS.v1, Buffer.from(`${upgrade}early`)])
      await send(socket, bytes, arrival)
      socket.end(' late')
      assert.match(await answer, new RegExp(`\r\n\r\n${SHOWN.replaceAll('.', '\\.')} early late$`))
    })

  test('a body of some megabytes is what was sent', async (t) => {
    const body = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789\r\n')
    const server = createHttp((req, res) => void req.pipe(res.setHeader('Content-Length', body.length)))
    const { port } = await accepting(t, server)
    const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`
    const answer = await ask(t, port, HEADERS.v1, head + body.toString('latin1'))
    assert.ok(answer.endsWith(`\r\n\r\n${body.toString('latin1')}`))
  })

  test('an end that comes with it is seen: a client that has ended its side gets its answer', async (t) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let data = ''
      socket.on('data', (chunk) => void (data += chunk))
      socket.on('end', () => socket.end(`${data} ${endsOf(socket)}`))
    })
    const { port } = await accepting(t, server)
    for (const payload of ['', 'hello']) {
      const socket = await dialed(t, port)
      socket.end(Buffer.concat([HEADERS.v1, Buffer.from(payload)]))
      assert.equal(await all(socket), `${payload} ${SHOWN}`)
    }
  })

  test('a server that speaks first does so once the header is there', async (t) => {
    const server = createServer((socket) => socket.end('220 ready'))
    const { port } = await accepting(t, server)
    const socket = await dialed(t, port)
    const answer = all(socket)
    await send(socket, HEADERS.v2, 'byte by byte')
    assert.equal(await answer, '220 ready')
  })

  test('a server that takes its time loses nothing, nor does one that pauses connections', async (t) => {
    for (const pauseOnConnect of [false, true]) {
      const server = createServer({ pauseOnConnect, allowHalfOpen: true })
      const { port } = await accepting(t, server)
      const connection = once(server, 'connection')
      const socket = await dialed(t, port)
      socket.end(Buffer.concat([HEADERS.v1, Buffer.from('hello')]))
      const [accepted] = await connection
      assert.equal(accepted.isPaused(), pauseOnConnect)
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      assert.equal(await all(accepted), 'hello')
      accepted.end()
    }
  })

  test('a failed handshake tells the address of the header', async (t) => {
    const server = createTls(createAuthority(t).issue(['127.0.0.1']))
    const { port } = await accepting(t, server)
    const failed = once(server, 'tlsClientError')
    ask(t, port, HEADERS.v1, GET).catch(() => {}) // how its connection ends is not told here
    const [, socket] = await failed
    assert.equal(endsOf(socket), SHOWN)
  })
})

test('accepting takes a rule of trust, a time and a function to tell', () => {
  const server = new HttpServer()
  const bad: [string, object][] = [
    ['trustedProxies', {}],
    ['trustedProxies', { trustedProxies: ['10.0.0.0/8'] }],
    ['timeout', { trustedProxies: LOOPBACK, timeout: 0 }],
    ['onRefused', { trustedProxies: LOOPBACK, onRefused: 'log' }],
  ]
  for (const [option, options] of bad)
    assert.throws(
      () => acceptProxyProtocol(server, options as never),
      (error) => error instanceof OptionError && error.option === option,
    )
})
