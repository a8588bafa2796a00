import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApp, STEADY, type TestApp } from './support/app.ts'
import { deadPort } from './support/listen.ts'
import { rawClient } from './support/raw-client.ts'
import { rawWorker } from './support/raw-worker.ts'
import { until } from './support/until.ts'
import { opened, upgradeHead, webSocketWorker } from './support/web-sockets.ts'
import { startWorker, startWorkers } from './support/workers.ts'

async function plain(app: TestApp): Promise<{ text: string; values: Map<string, number> }> {
  const answer = await fetch(`${app.url}/metrics`)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  const text = await answer.text()
  const lines = text.trimEnd().split('\n')
  for (const line of lines) assert.match(line, /^[a-zA-Z_:][a-zA-Z0-9_:]* \d+$/)
  return {
    text,
    values: new Map(lines.map((line) => line.split(' ') as [string, string]).map(([k, v]) => [k, Number(v)])),
  }
}

/** The sum of the attempts is what was accepted, less what nobody was tried for, and what was tried again. */
function assertBalanced({ pool }: TestApp): void {
  const { total, unattempted, retries } = pool.metrics
  const attempts = pool.workers.reduce((sum, { requests }) => sum + requests, 0)
  assert.equal(attempts, total - unattempted + retries)
  const ended = pool.workers
    .flatMap(({ outcomes }) => Object.values(outcomes))
    .reduce((sum, count) => sum + count, 0)
  assert.equal(ended, attempts, 'every attempt ended once')
}

test('curl gets the samples in their order, equal to what was sent', async (t) => {
  const workers = await startWorkers(t, 3)
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
  )
  for (let i = 0; i < 9; i++) await fetch(app.url)
  await fetch(`${app.url}/metrics/x`)
  await fetch(`${app.url}/METRICS`)
  await fetch(`${app.url}/metrics`, { method: 'POST' })
  const [a, b, c] = workers.map(({ port }) => port)
  assert.equal(
    (await plain(app)).text,
    [
      'requests_total 12',
      'requests_failed 0',
      'requests_active 0',
      ...[a, b, c].map((port) => `worker_${port}_alive 1`),
      ...[a, b, c].map((port) => `worker_${port}_requests 4`),
      '',
    ].join('\n'),
  )
})

test("a worker's own 5xx is no failure of the balancer", async (t) => {
  const worker = await startWorker(t, (_req, res) => void res.writeHead(503).end())
  const app = await startApp(t, [worker.url])
  assert.equal((await fetch(app.url)).status, 503)
  assert.equal((await plain(app)).values.get('requests_failed'), 0)
  assert.equal(app.pool.workers[0]?.outcomes['5xx'], 1)
})

test('a mix of success, failover, loss, abort and upgrade adds up', async (t) => {
  const { url } = await webSocketWorker(t)
  const cutting = await rawWorker(t, (socket, { path }) => {
    if (path === '/cut') socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
    else if (path !== '/hang') socket.resetAndDestroy()
  })
  const app = await startApp(t, [url, `http://127.0.0.1:${await deadPort()}`, cutting.url])
  for (let i = 0; i < 12; i++) assert.equal((await fetch(app.url)).status, 200)
  const posts: number[] = []
  for (let i = 0; i < 6; i++) posts.push((await fetch(app.url, { method: 'POST', body: 'x' })).status)
  let cuts = 0
  for (let i = 0; i < 6; i++)
    await fetch(`${app.url}/cut`)
      .then((answer) => answer.text())
      .catch(() => void cuts++)
  const hanging = await Promise.all(
    Array.from({ length: 3 }, () => rawClient(t, app.port, 'GET /hang HTTP/1.1\r\nHost: x\r\n\r\n')),
  )
  await until('one hangs', () => app.pool.metrics.active > 0)
  for (const { socket } of hanging) socket.destroy()
  const sockets = await Promise.all([opened(t, app.port), opened(t, app.port), opened(t, app.port)])
  await until('only upgrades are active', () => app.pool.metrics.active === 3)
  assert.equal((await plain(app)).values.get('requests_active'), 3)
  for (const socket of sockets) socket.terminate()
  await until('nobody is active', () => app.pool.metrics.active === 0)

  const { values } = await plain(app)
  assert.equal(values.get('requests_failed'), posts.filter((status) => status === 502).length + cuts)
  assert.ok(cuts > 0 && posts.includes(502) && app.pool.metrics.retries > 0)
  assertBalanced(app)
})

test('503s are failed and never attempted; upgrades too', async (t) => {
  const worker = await startWorker(t)
  worker.health = 500
  const app = await startApp(t, [worker.url], { pool: { health: { schedule: '* * * * * *', timeout: 500 } } })
  for (let i = 0; i < 3; i++) assert.equal((await fetch(app.url)).status, 503)
  const client = await rawClient(t, app.port, upgradeHead())
  assert.equal((await client.response()).status, 503)
  const { total, failed, unattempted } = app.pool.metrics
  assert.deepEqual([total, failed, unattempted], [4, 4, 4])
  assertBalanced(app)
})

test("a strategy that throws is the app's 500, of a request that was never attempted", async (t) => {
  const worker = await startWorker(t)
  const strategy = (): never => {
    throw new Error('mine')
  }
  const app = await startApp(t, [worker.url], { pool: { ...STEADY, strategy } })
  assert.equal((await fetch(app.url)).status, 500)
  assert.match(String(app.errors[0]), /mine/)
  const { total, failed, active, unattempted } = app.pool.metrics
  assert.deepEqual([total, failed, active, unattempted], [1, 0, 0, 1])
  assertBalanced(app)
})

test('a Prometheus server gets labelled series of the same counts', async (t) => {
  const worker = await startWorker(t, (req, res) => void res.writeHead(req.url === '/no' ? 404 : 200).end())
  const app = await startApp(t, [{ url: worker.url, name: 'one' }, `http://127.0.0.1:${await deadPort()}`])
  for (const path of ['/', '/no', '/', '/no']) await fetch(app.url + path)
  const answer = await fetch(`${app.url}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5' },
  })
  assert.match(answer.headers.get('content-type') ?? '', /^application\/openmetrics-text/)
  const text = await answer.text()
  for (const line of [
    'rondo_requests_total 4',
    'rondo_requests_failed_total 0',
    'rondo_requests_active 0',
    'rondo_worker_alive{worker="one"} 1',
    'rondo_worker_in_flight{worker="one"} 0',
    'rondo_worker_requests_total{worker="one",status="2xx"} 2',
    'rondo_worker_requests_total{worker="one",status="4xx"} 2',
    'rondo_worker_request_duration_seconds_count{worker="one"} 4',
  ])
    assert.ok(text.split('\n').includes(line), `${line}\nis not in\n${text}`)
  assert.ok(text.includes(`rondo_retries_total ${app.pool.metrics.retries}\n`))
  assert.ok(text.endsWith('# EOF\n'))
  assertBalanced(app)
})
