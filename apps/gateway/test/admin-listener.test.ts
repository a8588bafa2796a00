import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { readAddress } from '../src/config/address.ts'
import { DEFAULT_ADMIN } from '../src/config/config.ts'
import { failToStart, get, startGateway, startWorker as startWorkerProcess } from './processes.ts'
import { call, lines, startSite, startWorkers } from './admin-site.ts'
import { SELDOM, until } from './config/running.ts'
import { closed, exchange } from './raw.ts'
import { startBackend } from './reloading.ts'
import { mostLines } from './seldom.ts'

const ANSWERS = { routes: [{ answer: { status: 200, body: 'here' } }] }

/** Holds a port, any free one if none is named; false if another has it already. */
async function hold(t: TestContext, port = 0): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
  const isMine = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  t.after(() => server.close())
  return isMine ? (server.address() as AddressInfo).port : port
}

const warnings = (): string[] => lines.filter((line) => line.includes('goes on without its admin API'))

suite('where the admin API listens', () => {
  test('may be taken if nobody asked for it: the gateway warns once, and goes on without', async (t) => {
    await hold(t, readAddress(DEFAULT_ADMIN)?.port)
    lines.length = 0
    const site = await startSite(t, { ...ANSWERS, admin: undefined })
    assert.equal(site.gateway.admin?.port, undefined)
    assert.equal((await get(site.url)).body, 'here')
    assert.deepEqual(
      warnings().map((line) => line.replace(/^\S+ /, '')),
      [
        'warning: the gateway goes on without its admin API: admin.listen: "127.0.0.1:8081" is taken; give another as admin in the config file or as ADMIN, or set it to off',
      ],
    )
    assert.equal((await site.reload({ ...ANSWERS, admin: undefined, metrics: 'off' })).error, undefined)
    assert.equal(warnings().length, 1)
    await site.reload({ ...ANSWERS, admin: '127.0.0.1:0' })
    assert.equal((await call('GET', `http://127.0.0.1:${site.gateway.admin?.port}/healthz`)).status, 200)
  })

  test('is said at the start, and is an error where it was asked for and is taken', async (t) => {
    const worker = await startWorkerProcess(t, 'a')
    const gateway = await startGateway(t, [worker.url], { ADMIN: '127.0.0.1:0' })
    const [, url = ''] =
      /admin API on (http:\/\/127\.0\.0\.1:\d+)$/.exec(await gateway.line(/admin API on /)) ?? []
    assert.equal((await get(`${url}/healthz`)).status, 200)
    const taken = `127.0.0.1:${await hold(t)}`
    const { code, stderr } = await failToStart(t, { PORT: '0', ADMIN: taken })
    assert.equal(code, 1)
    assert.equal(
      stderr,
      `rondo: admin.listen: "${taken}" is taken; give another as admin in the config file or as ADMIN, or set it to off`,
    )
    assert.equal(await gateway.end('SIGTERM'), 0)
  })

  test('may be changed by a reload, which changes nothing where the new address is taken', async (t) => {
    const site = await startSite(t, ANSWERS)
    const before = site.gateway.admin
    const taken = `127.0.0.1:${await hold(t)}`
    const traffic = site.gateway.listeners.length
    assert.match(
      (await site.reload({ ...ANSWERS, admin: taken, listen: ['127.0.0.1:0', '127.0.0.2:0'] })).error ?? '',
      /^admin\.listen: "127\.0\.0\.1:\d+" is taken; /,
    )
    assert.equal(site.gateway.admin, before)
    assert.equal(site.gateway.listeners.length, traffic)
    assert.equal((await site.call('GET', '/healthz')).status, 200)
    await site.reload({ ...ANSWERS, admin: 'localhost:0' })
    const next = `http://localhost:${site.gateway.admin?.port}`
    assert.equal((await call('GET', `${next}/healthz`)).status, 200)
    await assert.rejects(site.call('GET', '/healthz'), { code: /^ECONN(REFUSED|RESET)$/ })
    await site.reload({ ...ANSWERS, admin: 'off' })
    await assert.rejects(call('GET', `${next}/healthz`), { code: /^ECONN(REFUSED|RESET)$/ })
  })

  test('is another place than that of traffic: no path of one is served by the other', async (t) => {
    const site = await startSite(t, ANSWERS)
    for (const path of ['/stats', '/config', '/workers', '/reload'])
      assert.equal((await get(site.url + path)).body, 'here')
    assert.equal((await site.call('GET', '/')).status, 404)
  })
})

suite('the admin API and a shutdown', () => {
  test('stays until traffic is over, and is not ready meanwhile', async (t) => {
    const waiting: (() => void)[] = []
    const held = await startBackend(t, 'held', (_req, res) => void waiting.push(() => res.end('held')))
    const site = await startSite(t, { workers: [held.url], health: { schedule: SELDOM }, shutdown: '30s' })
    const slow = get(site.url)
    await until('it is held', () => waiting.length === 1)
    const closed = site.gateway.close()
    const { status, body } = await site.call('GET', '/readyz')
    assert.deepEqual([status, body], [503, { isReady: false, reasons: ['the gateway is shutting down'] }])
    assert.equal((await site.call('GET', '/healthz')).status, 200)
    const { body: stats } = await site.call('GET', '/stats')
    assert.equal((stats as { gateway: { isStopping: boolean } }).gateway.isStopping, true)
    for (const [method, path, sent] of [
      ['POST', '/workers/default', { url: 'http://127.0.0.1:1' }],
      ['POST', '/reload', undefined],
      ['POST', `/workers/default/${encodeURIComponent(held.id)}/drain`, undefined],
    ] as const) {
      const answer = await site.call(method, path, { body: sent })
      assert.deepEqual([path, answer.status], [path, 503])
      assert.match(answer.text, /the gateway is shutting down/)
    }
    for (const answer of waiting) answer()
    assert.equal((await slow).body, 'held')
    assert.equal(await closed, true)
    await assert.rejects(site.call('GET', '/healthz'), { code: /^ECONN(REFUSED|RESET)$/ })
  })

  test('keeps no connection that does not end by itself', async (t) => {
    const site = await startSite(t, { ...ANSWERS, shutdown: '30s' })
    const socket = connect(site.port, '127.0.0.1')
    t.after(() => socket.destroy())
    const head = 'POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    socket.write(`${head}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`)
    await once(socket, 'data') // it may go on, and does not
    const isOver = closed(socket.on('error', () => {}))
    assert.equal(await site.gateway.close(), true)
    await isOver
  })
})

suite('the admin API has the limits of other listeners', () => {
  test('for the head of a request', async (t) => {
    const site = await startSite(t, { ...ANSWERS, limits: { header: '2KiB' } })
    const long = (bytes: number) => site.call('GET', '/healthz', { headers: { 'X-Long': 'x'.repeat(bytes) } })
    assert.deepEqual([(await long(1000)).status, (await long(3000)).status], [200, 431])
  })

  test('for the number of its fields', async (t) => {
    const site = await startSite(t, ANSWERS)
    const fields = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`X-${i}`, '']))
    assert.equal((await site.call('GET', '/healthz', { headers: fields })).status, 431)
  })

  test('for what is no HTTP', async (t) => {
    const site = await startSite(t, ANSWERS)
    assert.match(await exchange(t, site.port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /)
    const smuggled =
      'POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'
    assert.match(await exchange(t, site.port, smuggled), /^HTTP\/1\.1 400 /)
  })

  test('for connections: a hundred, whatever listeners of traffic may have', async (t) => {
    const site = await startSite(t, ANSWERS)
    const sockets: Socket[] = []
    t.after(() => sockets.forEach((socket) => socket.destroy()))
    for (let i = 0; i < 101; i++) sockets.push(connect(site.port, '127.0.0.1').on('error', () => {}))
    await until('one of them is dropped', () => sockets.some((socket) => socket.destroyed))
    const server = site.gateway.admin?.served.server
    const open = await new Promise((resolve) => server?.getConnections((_error, count) => resolve(count)))
    assert.equal(open, 100)
    assert.equal((await get(site.url)).body, 'here')
  })

  test('and serves no WebSocket', async (t) => {
    const site = await startSite(t, ANSWERS)
    const socket = new WebSocket(`ws://127.0.0.1:${site.port}/stats`)
    const [, res] = (await once(socket, 'unexpected-response')) as [
      unknown,
      { statusCode: number; headers: Record<string, string> },
    ]
    assert.deepEqual([res.statusCode, res.headers['content-type']], [400, 'application/problem+json'])
    socket.on('error', () => {}).terminate()
  })
})

test('a flood of refused changes is a line a second in the log', async (t) => {
  const [a] = await startWorkers(t, 'a')
  const site = await startSite(t, { workers: [a?.url], health: { schedule: SELDOM } })
  lines.length = 0
  const begun = performance.now()
  for (let i = 0; i < 50; i++) await site.call('DELETE', `/workers/default/${i}`)
  // Of what other tests had refused, a line may still come.
  const said = lines.filter(
    (line) => line.includes('"DELETE /workers/default/') && line.includes('was refused'),
  )
  assert.ok(said.length > 0 && said.length <= mostLines(begun), said.join('\n'))
})
