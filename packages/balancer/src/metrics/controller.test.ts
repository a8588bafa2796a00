import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import express from 'express'
import { poolOf } from '../../test/support/fakes.ts'
import { listen } from '../../test/support/listen.ts'
import { readOpenMetrics } from '../../test/support/open-metrics.ts'
import type { Pool } from '../pool.ts'
import { metrics } from './controller.ts'

const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
  'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

/** The ways to mount the controller; behind each, everything else is answered 418. */
const mounts = {
  'app.use': (pool: Pool) => express().use(metrics(pool)).use(teapot),
  'app.get': (pool: Pool) => express().get('/metrics', metrics(pool)).use(teapot),
  'http.createServer with a next': (pool: Pool) => {
    const controller = metrics(pool)
    return createServer((req, res) => void controller(req, res, () => teapot(req, res)))
  },
}

function teapot(_req: unknown, res: { writeHead(status: number): { end(): unknown } }): void {
  res.writeHead(418).end()
}

async function started(
  t: TestContext,
  mount: (pool: Pool) => ReturnType<typeof createServer> | express.Express,
) {
  const pool = poolOf(t, 2)
  await pool.ready
  const app = mount(pool)
  const port = await listen(t, 'address' in app ? app : createServer(app))
  const ask = (path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { connection: 'close', ...headers } })
  return { pool, ask }
}

for (const [how, mount] of Object.entries(mounts))
  suite(`metrics under ${how}`, () => {
    for (const path of ['/metrics', '/metrics?x=1', '/metrics?'])
      test(`take GET ${path}`, async (t) => {
        const { pool, ask } = await started(t, mount)
        const res = await ask(path)
        const body = await res.text()
        assert.equal(res.status, 200)
        assert.equal(body, pool.metrics.plain())
        assert.equal(res.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
        assert.equal(res.headers.get('content-length'), String(body.length))
        assert.equal(res.headers.get('cache-control'), 'no-store')
      })

    for (const path of [
      '/',
      '/metricsx',
      '/metrics/',
      '/METRICS',
      '/metrics/x',
      '/x/metrics',
      '//metrics',
      '/metric%73',
    ])
      test(`leave GET ${path} to the app`, async (t) => {
        const { ask } = await started(t, mount)
        assert.equal((await ask(path)).status, 418)
      })

    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
      test(`leave ${method} /metrics to the app`, async (t) => {
        const { ask } = await started(t, mount)
        const res = await ask('/metrics', method)
        assert.equal(res.status, 418)
      })

    test('answer a Prometheus server in OpenMetrics', async (t) => {
      const { pool, ask } = await started(t, mount)
      const res = await ask('/metrics', 'GET', { accept: PROMETHEUS })
      const body = await res.text()
      assert.match(
        res.headers.get('content-type') ?? '',
        /^application\/openmetrics-text; version=1\.0\.0; charset=utf-8$/,
      )
      assert.equal(res.headers.get('content-length'), String(Buffer.byteLength(body)))
      assert.equal(body, await pool.metrics.openMetrics())
      assert.ok(readOpenMetrics(body).length > 0)
    })

    for (const accept of [
      '*/*',
      'text/plain',
      'text/html,application/xhtml+xml,*/*;q=0.8',
      'application/json',
    ])
      test(`answer who accepts ${accept} in plain text`, async (t) => {
        const { ask } = await started(t, mount)
        const res = await ask('/metrics', 'GET', { accept })
        assert.match(await res.text(), /^requests_total 0\n/)
      })
  })

suite('metrics', () => {
  test('are not counted as a request', async (t) => {
    const { ask } = await started(t, mounts['app.use'])
    await (await ask('/metrics')).text()
    assert.match(
      await (await ask('/metrics')).text(),
      /^requests_total 0\nrequests_failed 0\nrequests_active 0\n/,
    )
  })

  test('may have another path, below the one they are mounted under', async (t) => {
    const { ask } = await started(t, (pool) =>
      express()
        .use('/internal', metrics(pool, { path: '/m' }))
        .use(teapot),
    )
    assert.equal((await ask('/internal/m')).status, 200)
    assert.equal((await ask('/internal/metrics')).status, 418)
    assert.equal((await ask('/m')).status, 418)
  })

  test('answer 404 themselves where there is no next', async (t) => {
    const { ask } = await started(t, (pool) => createServer((req, res) => void metrics(pool)(req, res)))
    assert.equal((await ask('/metrics')).status, 200)
    const res = await ask('/x')
    assert.deepEqual([res.status, await res.json()], [404, { error: 'not found', status: 404 }])
  })

  test('show counts of its own beside those of several pools', async (t) => {
    const pool = poolOf(t, 1)
    const values = [
      { labels: { listener: 'a', kind: 'full' }, value: 3 },
      { labels: { listener: 'b "c"', kind: 'full' }, value: 1 },
    ]
    const counts = () => [{ name: 'own', help: 'Of their own', values }]
    const app = createServer((req, res) => void metrics(() => new Map([['p', pool]]), { counts })(req, res))
    const port = await listen(t, app)
    const headers = { accept: PROMETHEUS, connection: 'close' }
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text()
    assert.ok(text.includes('own_total{listener="a",kind="full"} 3\n'), text)
    assert.ok(text.includes('own_total{listener="b \\"c\\"",kind="full"} 1\n'), text)
    assert.match(text, /# EOF\n$/)
  })

  test('are a named function, for stack traces', (t) => {
    assert.equal(metrics(poolOf(t, 1)).name, 'metrics')
  })
})
