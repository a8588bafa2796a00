import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { get } from './processes.ts'
import { call, idsOf, lines, startSite, startWorkers, type ProblemBody } from './admin-site.ts'
import { SELDOM, start, until } from './config/running.ts'

const health = { schedule: SELDOM }

suite('the admin API', () => {
  test('tells at /stats all that the gateway knows of itself', async (t) => {
    const [a] = await startWorkers(t, 'a')
    const site = await startSite(t, {
      pools: { api: { workers: [a?.url], health } },
      routes: [{ pool: 'api' }],
    })
    await site.gateway.pools.get('api')?.ready
    for (let i = 0; i < 3; i++) await get(site.url)
    await site.reload({ listen: 'nonsense' })
    const { status, body, headers } = await site.call('GET', '/stats')
    assert.equal(status, 200)
    assert.match(headers['content-type'] ?? '', /^application\/json\b/)
    const { gateway, listeners, pools, reloads } = body as Record<string, object>
    const { startedAt, uptime, ...rest } = gateway as { startedAt: string; uptime: number }
    assert.deepEqual(rest, {
      pid: process.pid,
      node: process.version,
      isReady: true,
      isStopping: false,
      file: site.file,
    })
    assert.equal(new Date(startedAt).getTime(), site.gateway.startedAt)
    assert.ok(uptime >= 0 && uptime < 60)
    const port = site.gateway.listeners[0]?.port
    assert.deepEqual(listeners, [
      { url: `http://127.0.0.1:${port}`, port, connections: 0, refusals: {}, certificates: [] },
    ])
    const { api } = pools as Record<
      string,
      { requests: { total: number }; eligible: number; nextProbe: number; workers: never[] }
    >
    assert.equal(api?.requests.total, 3)
    assert.equal(api?.eligible, 1)
    assert.ok((api?.nextProbe ?? 0) > 0)
    const [worker] = (api?.workers ?? []) as {
      id: string
      alive: boolean
      attempts: number
      lastProbe: { at: string; streak: number }
    }[]
    assert.deepEqual([worker?.id, worker?.alive, worker?.attempts], [`127.0.0.1:${a?.port}`, true, 3])
    assert.equal(worker?.lastProbe.streak, 1)
    assert.match(worker?.lastProbe.at ?? '', /^\d{4}-\d\d-\d\dT.*Z$/)
    const [reload] = reloads as unknown as { at: string; by: string; error: string }[]
    assert.equal(reload?.by, 'file')
    assert.match(reload?.error ?? '', /listen: "nonsense" is no address/)
  })

  test('lists workers: of all pools, of one, and one', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const site = await startSite(t, {
      pools: { api: { workers: [a?.url, { url: b?.url, name: 'b' }] }, web: { workers: [b?.url] } },
    })
    const list = async (path: string): Promise<string[]> =>
      ((await site.call('GET', path)).body as { pool: string; id: string }[]).map(
        ({ pool, id }) => `${pool} ${id}`,
      )
    const [A, B] = [`127.0.0.1:${a?.port}`, `127.0.0.1:${b?.port}`]
    assert.deepEqual(await list('/workers'), [`api ${A}`, 'api b', `web ${B}`])
    assert.deepEqual(await list('/workers/api'), [`api ${A}`, 'api b'])
    assert.deepEqual(await list('/workers/web'), [`web ${B}`])
    const { body } = await site.call('GET', '/workers/api/b')
    const { pool, id, url } = body as { pool: string; id: string; url: string }
    assert.deepEqual([pool, id, url], ['api', 'b', b?.url])
  })

  for (const name of ['localhost:3001', 'a/b', 'a b', 'ü/ñ 漢', '100%', '?x#y'])
    test(`knows a worker named ${name} by its URL`, async (t) => {
      const [a, b] = await startWorkers(t, 'a', 'b')
      const site = await startSite(t, { workers: [a?.url, { url: b?.url, name }], health })
      const path = `/workers/default/${encodeURIComponent(name)}`
      assert.equal(((await site.call('GET', path)).body as { id: string }).id, name)
      assert.equal((await site.call('PUT', `${path}/weight`, { body: { weight: 3 } })).status, 200)
      assert.equal((await site.call('POST', `${path}/drain`)).status, 202)
      assert.equal((await site.call('POST', `${path}/undrain`)).status, 200)
      assert.equal((await site.call('DELETE', path)).status, 202)
      await until('it has left', () => idsOf(site.gateway).length === 1)
      const { status, headers } = await site.call('POST', '/workers/default', { body: { url: b?.url, name } })
      assert.equal(status, 201)
      assert.equal(headers.location, path)
      assert.equal((await site.call('GET', headers.location ?? '')).status, 200)
    })

  test('shows the config in its own words, with the environment, the changes, and no secret', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const secret = 'hush'.repeat(8)
    const fields = {
      admin: { listen: '127.0.0.1:0', token: '${TOKEN}' },
      workers: [a?.url, { url: b?.url, weight: 2 }],
      health: { timeout: '${TIMEOUT:-750ms}', schedule: SELDOM },
      sticky: { secret: [secret, `${secret}2`], name: 'seat', maxAge: '1h' },
      pools: { api: { workers: [b?.url], sticky: { secret } }, tokens: { workers: [b?.url] } },
      routes: [
        {
          path: '/a',
          header: { 'x-api-key': 'hush', cookie: true, host: 'b' },
          pool: 'api',
          headers: { set: { Authorization: 'hush', 'X-From': 'gateway' }, remove: ['Cookie'] },
        },
        { path: '/b', redirect: { to: 'https://u:hush@b.test$path' } },
      ],
    }
    const site = await startSite(t, fields, { TOKEN: 'hush-hush-hush-hush' })
    const headers = { Authorization: 'Bearer hush-hush-hush-hush' }
    const config = async (): Promise<unknown> => (await site.call('GET', '/config', { headers })).body
    const shown = {
      listen: '127.0.0.1:0',
      admin: { listen: '127.0.0.1:0', token: '(hidden)' },
      log: 'off',
      shutdown: '200ms',
      workers: [a?.url, { url: b?.url, weight: 2 }],
      health: { timeout: '750ms', schedule: SELDOM },
      sticky: { secret: ['(hidden)', '(hidden)'], name: 'seat', maxAge: '1h' },
      pools: { api: { workers: [b?.url], sticky: { secret: '(hidden)' } }, tokens: { workers: [b?.url] } },
      routes: [
        {
          path: '/a',
          header: { 'x-api-key': '(hidden)', cookie: true, host: 'b' },
          pool: 'api',
          headers: { set: { Authorization: '(hidden)', 'X-From': 'gateway' }, remove: ['Cookie'] },
        },
        { path: '/b', redirect: { to: 'https://(hidden)@b.test$path' } },
      ],
    }
    assert.deepEqual(await config(), shown)
    const one = `/workers/default/${encodeURIComponent(`127.0.0.1:${a?.port}`)}`
    await site.call('PUT', `${one}/weight`, { body: { weight: 5 }, headers })
    await site.call('POST', '/workers/api', { body: { url: a?.url }, headers })
    assert.deepEqual(await config(), {
      ...shown,
      workers: [
        { url: a?.url, weight: 5 },
        { url: b?.url, weight: 2 },
      ],
      pools: { ...shown.pools, api: { ...shown.pools.api, workers: [b?.url, { url: a?.url }] } },
    })
  })

  test('has a config that the gateway would take, where nothing of it is a secret', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const site = await startSite(t, { workers: [a?.url], health })
    await site.call('POST', '/workers/default', { body: { url: b?.url, name: 'b', weight: 2 } })
    const { body } = await site.call('GET', '/config')
    assert.equal((await site.reload(body as object)).error, undefined)
    assert.deepEqual((await site.call('GET', '/config')).body, body)
    assert.deepEqual(site.gateway.edits, [])
  })

  test('has the metrics of all pools', async (t) => {
    const [a] = await startWorkers(t, 'a')
    const site = await startSite(t, { workers: [a?.url], metrics: 'off' })
    const { text, headers } = await site.call('GET', '/metrics')
    assert.match(text, /^requests_total 0\n/)
    assert.match(headers['content-type'] ?? '', /^text\/plain/)
    const open = await site.call('GET', '/metrics', { headers: { Accept: 'application/openmetrics-text' } })
    assert.match(open.text, /rondo_worker_alive\{worker="[^"]+",pool="default"\}/)
  })

  test('is well while the process answers, and ready when all workers have verdicts', async (t) => {
    const waiting: ServerResponse[] = []
    const worker = createServer((_req, res) => void waiting.push(res)).listen(0, '127.0.0.1')
    await once(worker, 'listening')
    t.after(() => worker.close())
    const { port } = worker.address() as AddressInfo
    const site = await startSite(t, {
      pools: { api: { workers: [`http://127.0.0.1:${port}`], health: { schedule: SELDOM, timeout: '1m' } } },
    })
    await until('the probe is there', () => waiting.length > 0)
    const early = await site.call('GET', '/readyz')
    const reasons = ['the workers of pool api have no verdict yet']
    assert.deepEqual([early.status, early.body], [503, { isReady: false, reasons }])
    assert.equal((await site.call('GET', '/healthz')).status, 200)
    for (const res of waiting) res.end()
    await site.gateway.pools.get('api')?.ready
    const ready = await site.call('GET', '/readyz')
    assert.deepEqual([ready.status, ready.body], [200, { isReady: true, reasons: [] }])
  })

  test('reads the file again, and tells all that is wrong with it', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    const site = await startSite(t, { workers: [a?.url], health })
    site.write({ workers: [b?.url], health })
    const { status, body } = await site.call('POST', '/reload')
    assert.equal(status, 200)
    assert.equal((body as { file: string }).file, site.file)
    await until('the workers are others', () => String(idsOf(site.gateway)) === `127.0.0.1:${b?.port}`)

    site.write({ workers: ['nonsense'], strategy: 'best', sticky: { secret: 'hush' } })
    const refused = await site.call('POST', '/reload')
    assert.equal(refused.status, 422)
    const { errors, title } = refused.body as ProblemBody
    assert.equal(title, 'Unprocessable Entity')
    assert.deepEqual(
      errors.map(({ field, line, column }) => `${field} ${line}:${column}`),
      ['strategy 9:14', 'sticky.secret 11:13'],
    )
    assert.doesNotMatch(refused.text, /hush/)
    assert.deepEqual(idsOf(site.gateway), [`127.0.0.1:${b?.port}`])
    assert.deepEqual(
      site.gateway.reloads.map(({ by, error }) => [by, error === undefined]),
      [
        ['api', true],
        ['api', false],
      ],
    )
  })

  test('says of a file that is gone, or an address that is taken, why nothing was changed', async (t) => {
    const [a] = await startWorkers(t, 'a')
    const site = await startSite(t, { workers: [a?.url], health })
    site.write({ workers: [a?.url], health, listen: `127.0.0.1:${a?.port}` })
    const taken = await site.call('POST', '/reload')
    assert.equal(taken.status, 422)
    assert.match((taken.body as ProblemBody).detail, /^listen: "127\.0\.0\.1:\d+" is taken; /)
  })

  test('reads nothing again where the gateway has no file', async (t) => {
    const { gateway } = await start(t, { admin: '127.0.0.1:0' })
    const { status, body } = await call('POST', `http://127.0.0.1:${gateway.admin?.port}/reload`)
    assert.equal(status, 409)
    assert.match((body as ProblemBody).detail, /^the gateway has no config file; /)
  })

  test('logs who changed what, and no request that changes nothing', async (t) => {
    const [a, b] = await startWorkers(t, 'a', 'b')
    lines.length = 0
    const site = await startSite(t, { workers: [a?.url, { url: b?.url, name: 'b' }], health })
    await until('both are up', () => lines.filter((line) => line.includes(' is up: ')).length === 2)
    lines.length = 0
    for (const path of ['/stats', '/workers', '/config', '/metrics', '/healthz', '/readyz'])
      await site.call('GET', path)
    assert.deepEqual(lines, [])
    await site.call('PUT', '/workers/default/b/weight', { body: { weight: 2 } })
    await site.call('POST', '/workers/default/b/drain')
    await site.call('POST', '/workers/default/b/undrain')
    await site.call('DELETE', '/workers/default/b?a=b')
    await site.call('DELETE', '/workers/default/none%0Aadmin')
    await until('there are the lines', () => lines.length >= 7)
    assert.deepEqual(
      Array.from(lines, (line: string) => line.replace(/^\S+ /, '')),
      [
        'admin 127.0.0.1: the weight of b of default is 2',
        'admin 127.0.0.1: b of default is draining',
        'worker b of default is drained; exchanges that were cut: 0',
        'admin 127.0.0.1: b of default is not draining',
        'admin 127.0.0.1: b leaves default',
        'worker b has left default; exchanges that were cut: 0',
        String.raw`admin 127.0.0.1 "DELETE /workers/default/none%0Aadmin" was refused, 404: \x22none\x5cnadmin\x22 is no worker of this pool; there are \x22127.0.0.1:${a?.port}\x22`,
      ],
    )
  })
})

suite('a problem', () => {
  test('is JSON of its own type, is not stored, and reveals nothing of the program', async (t) => {
    const site = await startSite(t, { routes: [{ answer: { status: 200 } }] })
    const { status, headers, body } = await site.call('GET', '/nothing')
    assert.equal(status, 404)
    assert.equal(headers['content-type'], 'application/problem+json')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['x-powered-by'], undefined)
    assert.deepEqual(body, {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: '"/nothing" is nothing here; the API begins at /stats',
      errors: [],
    })
  })

  for (const [path, allow] of [
    ['/stats', 'GET, HEAD'],
    ['/workers', 'GET, HEAD'],
    ['/config', 'GET, HEAD'],
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/metrics', 'GET'],
    ['/workers/default', 'GET, HEAD, POST'],
    ['/workers/default/a', 'GET, HEAD, DELETE'],
    ['/workers/default/a/drain', 'POST'],
    ['/workers/default/a/undrain', 'POST'],
    ['/workers/default/a/weight', 'PUT'],
    ['/reload', 'POST'],
  ] as const)
    test(`tells what ${path} takes: ${allow}`, async (t) => {
      const site = await startSite(t, { workers: [{ url: 'http://127.0.0.1:1', name: 'a' }] })
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
        if (allow.split(', ').includes(method)) continue
        const { status, headers } = await site.call(method, path)
        assert.deepEqual([method, status, headers.allow], [method, 405, allow])
      }
      if (allow.includes('HEAD')) {
        const { status, text } = await site.call('HEAD', path)
        assert.deepEqual([status === 200 || status === 503, text], [true, ''])
      }
    })

  for (const path of [
    '/',
    '/STATS',
    '/stats/',
    '//stats',
    '/workers/default/a/b',
    '/workers/default/a/drain/',
    '/favicon.ico',
  ])
    test(`tells that there is no ${path}`, async (t) => {
      const site = await startSite(t, { workers: [{ url: 'http://127.0.0.1:1', name: 'a' }] })
      assert.equal((await site.call('GET', path)).status, 404)
    })

  test('names the pools and workers that there are, some of many', async (t) => {
    const workers = Array.from({ length: 25 }, (_, i) => `http://127.0.0.1:${i + 1}`)
    const site = await startSite(t, { pools: { api: { workers }, web: { workers } } })
    const detail = async (path: string): Promise<string> =>
      ((await site.call('GET', path)).body as ProblemBody).detail
    assert.equal(await detail('/workers/nope'), '"nope" is no pool; there are "api", "web"')
    assert.match(
      await detail('/workers/api/nope'),
      /^"nope" is no worker of this pool; there are "127\.0\.0\.1:1", .*"127\.0\.0\.1:20", and 5 more$/,
    )
  })
})
