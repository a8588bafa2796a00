import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { covers } from './covers.ts'
import { ask, start, startWorker, until } from './running.ts'

const ANSWERS = { routes: [{ answer: { status: 200, body: 'here' } }] }

test('a head of a request has a limit', async (t) => {
  covers('limits.header')
  for (const [header, statuses] of [
    ['1KiB', [200, 431, 431]],
    ['32KiB', [200, 200, 200]],
  ] as const) {
    const { url } = await start(t, { ...ANSWERS, limits: { header } })
    const answers = await Promise.all(
      [100, 2000, 20_000].map((length) => ask(url, { headers: { 'X-Long': 'x'.repeat(length) } })),
    )
    assert.deepEqual(
      answers.map(({ status }) => status),
      statuses,
    )
  }
})

for (const [name, fileOf] of [
  [
    'at the top level',
    (workers: string[]) => {
      covers('limits.body')
      return { workers, limits: { body: '10B' } }
    },
  ],
  [
    'in a pool',
    (workers: string[]) => {
      covers('pools.*.limits.body', 'pools.*.workers[]')
      return { pools: { api: { workers, limits: { body: '10B' } } }, routes: [{ pool: 'api' }] }
    },
  ],
] as const)
  for (const forwarder of ['http-proxy-middleware', 'undici'])
    test(`a body of a request has a limit, ${name}, by ${forwarder}`, async (t) => {
      const worker = await startWorker(t)
      const file = fileOf([worker.url])
      const isTop = 'workers' in file
      const { url } = await start(
        t,
        isTop ? { ...file, forwarder } : { ...file, pools: { api: { ...file.pools.api, forwarder } } },
      )
      const send = async (body: string, headers = {}): Promise<number> =>
        (await ask(url, { method: 'POST', body, headers })).status
      const chunked = { 'Transfer-Encoding': 'chunked' }
      assert.equal(await send('x'.repeat(10)), 200)
      assert.equal(await send('x'.repeat(10), chunked), 200)
      assert.equal(await send('x'.repeat(11)), 413)
      assert.equal(await send('x'.repeat(11), chunked), 413)
    })

test('the limit of a body at the top level is not that of other pools', async (t) => {
  covers('limits.body', 'routes[].pool')
  const worker = await startWorker(t)
  const { url } = await start(t, {
    workers: [worker.url],
    limits: { body: '1B' },
    pools: { api: { workers: [worker.url] } },
    routes: [{ path: '/api', pool: 'api' }],
  })
  assert.equal((await ask(`${url}/api`, { method: 'POST', body: 'long' })).status, 200)
  assert.equal((await ask(url, { method: 'POST', body: 'long' })).status, 413)
})

test('connections beyond the limit are dropped', async (t) => {
  covers('limits.connections')
  const { port, url } = await start(t, { ...ANSWERS, limits: { connections: 1 } })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  await assert.rejects(ask(url), /ECONNRESET|socket hang up/)
  socket.destroy()
  await until('there is room again', () =>
    ask(url).then(
      ({ status }) => status === 200,
      () => false,
    ),
  )
})

test('a shutdown cuts what is not over in its time', async (t) => {
  covers('shutdown')
  const worker = await startWorker(t)
  for (const [shutdown, isWhole] of [
    ['50ms', false],
    ['20s', true],
  ] as const) {
    const { gateway, url } = await start(t, { workers: [worker.url], shutdown })
    const slow = ask(`${url}/?delay=500`).then(
      () => true,
      () => false,
    )
    const before = worker.seen.length
    await until('it is under way', () => worker.seen.length > before)
    assert.equal(await gateway.close(), isWhole)
    assert.equal(await slow, isWhole)
  }
})

for (const forwarder of ['http-proxy-middleware', 'undici'])
  for (const [trustedProxies, chain] of [
    [['127.0.0.0/8'], '203.0.113.7, 127.0.0.1'],
    [['10.0.0.0/8'], '127.0.0.1'],
    [undefined, '127.0.0.1'],
  ] as const)
    test(`X-Forwarded-For from trusted proxies ${trustedProxies?.join()} is ${chain}, by ${forwarder}`, async (t) => {
      covers('trustedProxies[]', 'forwarder')
      const worker = await startWorker(t)
      const { url, port } = await start(t, {
        workers: [worker.url],
        forwarder,
        ...(trustedProxies && { trustedProxies }),
      })
      const headers = { 'X-Forwarded-For': '203.0.113.7' }
      assert.equal((await ask(url, { headers })).got.headers['x-forwarded-for'], chain)
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers })
      t.after(() => socket.terminate())
      await once(socket, 'open')
      assert.equal(worker.seen.at(-1)?.headers['x-forwarded-for'], chain)
    })
