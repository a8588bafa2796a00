import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import express from 'express'
import { httpProxy, loadBalance } from '../src/index.ts'
import { startApp, startPlainApp, STEADY } from './support/app.ts'
import { listen } from './support/listen.ts'
import { rawClient } from './support/raw-client.ts'
import { mirror, startWorker } from './support/workers.ts'

interface Mirrored {
  url: string
  headers: IncomingHttpHeaders
}
const ask = async (url: string, headers: Record<string, string> = {}): Promise<Mirrored> =>
  (await (await fetch(url, { headers })).json()) as Mirrored

for (const [mountPath, expected] of [
  [undefined, ['/', '/x/y?z=1', '/?z', '//x']],
  ['strip', ['/', '/x/y?z=1', '/?z', '//x']],
  ['keep', ['/api', '/api/x/y?z=1', '/api?z', '/api//x']],
] as const)
  test(`mounted under a path, workers see ${mountPath ?? 'by default'}: ${expected.join(' ')}`, async (t) => {
    const worker = await startWorker(t, mirror)
    const app = await startApp(t, [worker.url], { mount: '/api', ...(mountPath && { mountPath }) })
    const seen: string[] = []
    for (const path of ['/api', '/api/x/y?z=1', '/api?z', '/api//x'])
      seen.push((await ask(app.url + path)).url)
    assert.deepEqual(seen, expected)
    assert.equal((await fetch(`${app.url}/elsewhere`)).status, 404)
  })

test('with the mount path kept, pathFilter is asked about it too, and what it declines goes on as it came', async (t) => {
  const worker = await startWorker(t, mirror)
  const forwarder = httpProxy({ pathFilter: '/api/mine' })
  const app = await startApp(t, [worker.url], { mount: '/api', mountPath: 'keep', forwarder })
  assert.equal((await ask(`${app.url}/api/mine/x`)).url, '/api/mine/x')
  const declined = await fetch(`${app.url}/api/other`)
  assert.equal(declined.status, 404)
  assert.match(await declined.text(), /Cannot GET \/api\/other/)
})

test('a mount path that is neither strip nor keep is an error', async (t) => {
  const { pool } = await startApp(t, [(await startWorker(t)).url])
  assert.throws(() => loadBalance(pool, { mountPath: 'cut' as never }), /^OptionError: mountPath: "cut"/)
})

test('under http.createServer it is all that is needed, and answers errors in short itself', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startPlainApp(t, [worker.url])
  assert.equal((await ask(`${app.url}/x`)).url, '/x')
  worker.server.closeAllConnections()
  await new Promise((resolve) => worker.server.close(resolve))
  const json = await fetch(app.url, { headers: { accept: 'application/json' } })
  assert.deepEqual(
    [json.status, await json.json()],
    [502, { error: 'the worker failed to answer', status: 502 }],
  )
  const text = await fetch(app.url, { headers: { accept: 'text/plain' } })
  assert.deepEqual([text.status, await text.text()], [502, 'the worker failed to answer\n'])
})

test('several apps can share one balance, and several balances one app', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startApp(t, [worker.url], { mount: '/a' })
  const other = express().use('/b', app.balance)
  const port = await listen(t, createServer(other))
  assert.equal((await ask(`${app.url}/a/1`)).url, '/1')
  assert.equal((await ask(`http://127.0.0.1:${port}/b/2`)).url, '/2')
  assert.equal(app.pool.metrics.total, 2)
})

const spoofed = {
  'x-forwarded-for': '6.6.6.6',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'outer.test',
}

test('what a trusted peer says of the client is appended to', async (t) => {
  const worker = await startWorker(t, mirror)
  const app = await startApp(t, [worker.url], { before: (app) => void app.set('trust proxy', 'loopback') })
  const { headers } = await ask(app.url, { ...spoofed, 'x-forwarded-port': '443' })
  assert.equal(headers['x-forwarded-for'], '6.6.6.6, 127.0.0.1')
  assert.equal(headers['x-forwarded-proto'], 'https')
  assert.equal(headers['x-forwarded-host'], 'outer.test')
  assert.equal(headers['x-forwarded-port'], '443')
})

for (const trust of [false, '10.0.0.0/8'])
  test(`what a peer says is replaced when "trust proxy" is ${trust}`, async (t) => {
    const worker = await startWorker(t, mirror)
    const app = await startApp(t, [worker.url], { before: (app) => void app.set('trust proxy', trust) })
    const { headers } = await ask(app.url, spoofed)
    assert.equal(headers['x-forwarded-for'], '127.0.0.1')
    assert.equal(headers['x-forwarded-proto'], 'http')
    assert.equal(headers['x-forwarded-host'], `127.0.0.1:${app.port}`)
  })

for (const [proxies, chain, proto] of [
  [['loopback'], '6.6.6.6, 127.0.0.1', 'https'],
  [['10.0.0.0/8'], '127.0.0.1', 'http'],
] as const)
  test(`without Express, what a peer says goes by trustedProxies: ${proxies.join()}`, async (t) => {
    const worker = await startWorker(t, mirror)
    const app = await startPlainApp(t, [worker.url], { trustedProxies: proxies })
    const { headers } = await ask(app.url, spoofed)
    assert.equal(headers['x-forwarded-for'], chain)
    assert.equal(headers['x-forwarded-proto'], proto)
  })

test('one client behind a trusted proxy always gets the same worker, many get all', async (t) => {
  const workers = await Promise.all(Array.from({ length: 3 }, () => startWorker(t, mirror)))
  const app = await startPlainApp(
    t,
    workers.map(({ url }) => url),
    { trustedProxies: ['loopback'], pool: { ...STEADY, strategy: 'ip-hash' } },
  )
  const asked = (): number[] => app.pool.workers.map(({ requests }) => requests)
  for (let i = 0; i < 6; i++) await ask(app.url, { 'x-forwarded-for': '192.0.2.7' })
  assert.equal(Math.max(...asked()), 6)
  for (let i = 0; i < 60; i++) await ask(app.url, { 'x-forwarded-for': `192.0.2.${i}` })
  assert.ok(asked().every((requests) => requests > 0))
})

test('loggers find the request as the client sent it, when the answer begins and when it is over', async (t) => {
  const worker = await startWorker(t, mirror)
  const found: unknown[] = []
  const app = await startApp(t, [worker.url], {
    mount: '/api',
    before(app) {
      app.set('trust proxy', 1)
      app.use((req, res, next) => {
        const writeHead = res.writeHead.bind(res)
        const note = (): void =>
          void found.push([req.ip, req.originalUrl, req.headers['x-forwarded-for'], req.headers['te']])
        res.writeHead = (...args: unknown[]) => (note(), Reflect.apply(writeHead, undefined, args))
        res.on('finish', note).on('close', note)
        next()
      })
    },
  })
  const client = await rawClient(
    t,
    app.port,
    'GET /api/x HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n',
  )
  await client.rest()
  const request = ['6.6.6.6', '/api/x', '6.6.6.6', 'trailers']
  assert.deepEqual(found, [request, request, request])
})

test('a worker on ::1 is reached', async (t) => {
  const server = createServer((_req, res) => void res.end('six'))
  const port = await listen(t, server, '::1').catch(() => undefined)
  if (port === undefined) return t.skip('no IPv6 here')
  const app = await startApp(t, [`http://[::1]:${port}`])
  assert.equal(await (await fetch(app.url)).text(), 'six')
})
