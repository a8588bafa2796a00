import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { httpProxy, OptionError } from '../src/index.ts'
import { startApp, startPlainApp } from './support/app.ts'
import { noCrashes } from './support/crashes.ts'
import { deadPort } from './support/listen.ts'
import { rawClient } from './support/raw-client.ts'
import { rawWorker } from './support/raw-worker.ts'
import { until } from './support/until.ts'
import { refusal, upgradeHead, webSocketWorker } from './support/web-sockets.ts'
import { mirror, startWorker } from './support/workers.ts'

const RESERVED: [name: string, value: unknown, ours: RegExp][] = [
  ['target', 'http://x', /createPool/],
  ['router', () => 'http://x', /strategy/],
  ['buffer', {}, /streams/],
  ['agent', {}, /connections/],
  ['ws', true, /balance\.upgrade/],
  ['xfwd', true, /X-Forwarded/],
  ['ejectPlugins', false, /plugins/],
  ['selfHandleResponse', true, /on\.proxyRes/],
  ['followRedirects', true, /redirects/],
  ['proxyTimeout', 50, /timeouts to createPool/],
  ['timeout', 50, /timeouts to createPool/],
  ['upgradeTimeout', 50, /timeouts to createPool/],
]
for (const [name, value, ours] of RESERVED)
  test(`the option ${name} is an error that names ours`, () => {
    const make = (): unknown => httpProxy({ [name]: value })
    assert.throws(make, (error) => error instanceof OptionError && ours.test(error.message))
    assert.throws(make, { message: new RegExp(`^httpProxy\\.${name}: `) })
  })

test('pathFilter hands on what does not match to the next middleware, and counts it as nothing', async (t) => {
  const worker = await startWorker(t)
  const forwarder = httpProxy({ pathFilter: ['/api', '/also'] })
  const app = await startApp(t, [worker.url], { forwarder })
  assert.equal((await fetch(`${app.url}/api/x`)).status, 200)
  assert.equal((await fetch(`${app.url}/also`)).status, 200)
  assert.equal((await fetch(`${app.url}/other`)).status, 404)
  assert.deepEqual(worker.requests, ['GET /api/x', 'GET /also'])
  assert.equal(app.pool.metrics.total, 2)
  assert.deepEqual(app.errors, [])
})

test('pathFilter as a function is asked with the path and the request; upgrades too; no next means 404', async (t) => {
  const { url } = await webSocketWorker(t)
  const forwarder = httpProxy({ pathFilter: (path, req) => path !== '/' && req.method === 'GET' })
  const app = await startPlainApp(t, [url], { forwarder })
  assert.equal((await fetch(`${app.url}/x`)).status, 200)
  assert.equal((await fetch(app.url)).status, 404)
  assert.equal((await refusal(t, app.port)).status, 404)
  assert.equal(app.pool.metrics.total, 1)
})

test('pathRewrite, host and headers shape the request', async (t) => {
  const worker = await startWorker(t, mirror)
  const forwarder = httpProxy({
    pathRewrite: { '^/old': '/new' },
    headers: { 'x-own': '1' },
  })
  const app = await startApp(t, [worker.url], { forwarder, host: 'worker' })
  const got = (await (await fetch(`${app.url}/old/x?y=1`)).json()) as {
    url: string
    headers: Record<string, string>
  }
  assert.equal(got.url, '/new/x?y=1')
  assert.equal(got.headers['host'], `127.0.0.1:${worker.port}`)
  assert.equal(got.headers['x-forwarded-host'], `127.0.0.1:${app.port}`)
  assert.equal(got.headers['x-own'], '1')
})

test('cookieDomainRewrite shapes the answer', async (t) => {
  const worker = await startWorker(t, (_req, res) => {
    res.setHeader('set-cookie', ['a=1; Domain=inner.test', 'b=2']).end()
  })
  const app = await startApp(t, [worker.url], { forwarder: httpProxy({ cookieDomainRewrite: 'outer.test' }) })
  const answer = await fetch(app.url)
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1; Domain=outer.test', 'b=2'])
})

test('on handlers and plugins run behind the guard, and see what the client sent', async (t) => {
  const seen: unknown[] = []
  const worker = await startWorker(t, (req, res) => {
    res.writeHead(200, { 'keep-alive': 'timeout=9', 'x-got': String(req.headers['x-added']) }).end()
  })
  const forwarder = httpProxy({
    on: {
      proxyReq(proxyReq, req) {
        seen.push(proxyReq.getHeader('x-forwarded-for'), proxyReq.getHeader('proxy-connection'), req.url)
        proxyReq.setHeader('x-added', 'yes')
      },
      proxyRes(proxyRes) {
        seen.push(Object.keys(proxyRes.headers).includes('keep-alive'))
        proxyRes.headers['x-also'] = 'here'
      },
    },
    plugins: [(server) => void server.on('proxyRes', (proxyRes) => seen.push(proxyRes.statusCode))],
  })
  const app = await startApp(t, [worker.url], { forwarder })
  const answer = await fetch(`${app.url}/x`, {
    headers: { 'proxy-connection': 'close', 'x-forwarded-for': '6.6.6.6' },
  })
  assert.equal(answer.headers.get('x-got'), 'yes')
  assert.equal(answer.headers.get('x-also'), 'here')
  assert.deepEqual(seen, ['127.0.0.1', undefined, '/x', false, 200])
})

test('on.error is told of attempts that failed, those that another worker mended too', async (t) => {
  const codes: (string | undefined)[] = []
  const worker = await startWorker(t)
  const forwarder = httpProxy({
    on: { error: (error: NodeJS.ErrnoException) => void codes.push(error.code) },
  })
  const app = await startApp(t, [`http://127.0.0.1:${await deadPort()}`, worker.url], { forwarder })
  for (let i = 0; i < 2; i++) assert.equal((await fetch(app.url)).status, 200)
  assert.equal(codes.length, app.pool.metrics.retries)
  assert.equal(codes[0], 'ECONNREFUSED')
})

for (const [how, pathRewrite] of [
  ['throws', () => assert.fail('mine')],
  ['rejects', async () => assert.fail('mine')],
] as const)
  test(`a pathRewrite that ${how} is the app's 500, and nothing stays behind`, async (t) => {
    noCrashes(t)
    const worker = await rawWorker(t, () => {})
    const app = await startApp(t, [worker.url], { forwarder: httpProxy({ pathRewrite }) })
    assert.equal((await fetch(app.url)).status, 500)
    assert.match(String(app.errors[0]), /mine/)
    assert.equal((await fetch(app.url, { method: 'POST', body: 'x' })).status, 500)
    assert.equal((await refusal(t, app.port)).status, 500)
    await until("the upgrade's connection is closed", () => worker.sockets.every((socket) => socket.closed))
    const { failed, active, retries } = app.pool.metrics
    assert.deepEqual({ failed, active, retries }, { failed: 0, active: 0, retries: 0 })
    assert.equal(app.pool.workers[0]?.inFlight, 0)
  })

for (const event of ['proxyReq', 'proxyRes'] as const)
  for (const [how, handler] of [
    ['throws', () => assert.fail('mine')],
    ['rejects', async () => assert.fail('mine')],
  ] as const)
    test(`a handler of ${event} that ${how} is the app's error and no crash`, async (t) => {
      noCrashes(t)
      const worker = await startWorker(t, (_req, res) => void setTimeout(() => res.end('late'), 20))
      const app = await startApp(t, [worker.url], { forwarder: httpProxy({ on: { [event]: handler } }) })
      for (const body of [null, 'x'.repeat(100_000)]) {
        const asked = fetch(app.url, { method: 'POST', body })
        if (event === 'proxyRes' && how === 'rejects') await asked.catch(() => {}) // the answer may have begun
        else assert.equal((await asked).status, 500)
      }
      await until('nobody is active', () => app.pool.metrics.active === 0)
      assert.equal(app.pool.workers[0]?.inFlight, 0)
      assert.equal(app.pool.metrics.failed, 0)
      if (how === 'throws') assert.match(String(app.errors[0]), /mine/)
    })

test('a client that leaves during a slow pathRewrite costs the worker nothing that stays', async (t) => {
  noCrashes(t)
  let rewriting = 0
  let go = (): void => {}
  const gate = new Promise<void>((resolve) => void (go = resolve))
  const forwarder = httpProxy({
    async pathRewrite(path) {
      rewriting++
      await gate
      return path
    },
  })
  const worker = await rawWorker(t, 'HTTP/1.1 099 No\r\nTrailer: x\r\nContent-Length: 2\r\n\r\nok')
  const app = await startApp(t, [worker.url], { forwarder })
  const head = 'Host: x\r\nContent-Length: 5\r\n\r\n'
  const clients = [
    await rawClient(t, app.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    await rawClient(t, app.port, `POST / HTTP/1.1\r\n${head}he`),
    await rawClient(t, app.port, upgradeHead()),
  ]
  await until('all are in', () => rewriting === 3)
  for (const { socket } of clients) socket.destroy()
  await until('nobody is active', () => app.pool.metrics.active === 0)
  go()
  await pause(50)
  assert.deepEqual(worker.requests, [])
  await until('nothing stays', () => worker.sockets.every((socket) => socket.closed))
  assert.equal(app.pool.workers[0]?.outcomes['client-gone'], 3)
})

test('a connection that breaks during a slow pathRewrite of an upgrade is no crash', async (t) => {
  noCrashes(t)
  let go = (): void => {}
  const gate = new Promise<void>((resolve) => void (go = resolve))
  const forwarder = httpProxy({ pathRewrite: async (path) => (await gate, path) })
  const worker = await rawWorker(t, () => {})
  const app = await startApp(t, [worker.url], { forwarder })
  const answer = refusal(t, app.port)
  await until('the connection stands', () => worker.sockets.length === 1)
  worker.sockets[0]?.resetAndDestroy()
  await until('the attempt is over', () => app.pool.metrics.active === 0)
  go()
  assert.equal((await answer).status, 502)
})
