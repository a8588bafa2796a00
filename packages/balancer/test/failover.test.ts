import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { startApp } from './support/app.ts'
import { failover } from './contract/failover.ts'
import { forwarders } from './support/forwarders.ts'
import { startProcess } from './support/processes.ts'
import { rawWorker } from './support/raw-worker.ts'
import { until } from './support/until.ts'
import { startWorker, startWorkers } from './support/workers.ts'

for (const [name, { create }] of Object.entries(forwarders))
  describe(`failover by ${name}`, () => failover(create))

test('60 GETs right after SIGKILL of one of three workers all succeed, before the poller can know', async (t) => {
  const workers = await Promise.all([startProcess(t), startProcess(t), startProcess(t)])
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    {
      pool: { health: { schedule: '0 * * * * *' } },
    },
  )
  await app.pool.ready
  for (let i = 0; i < 6; i++) assert.equal((await fetch(app.url)).status, 200)

  const [, victim] = workers
  if (!victim) return
  victim.child.kill('SIGKILL')
  await once(victim.child, 'exit')
  const names = new Map<string, number>()
  for (let i = 0; i < 60; i++) {
    const answer = await fetch(app.url)
    assert.equal(answer.status, 200)
    const body = await answer.text()
    names.set(body, (names.get(body) ?? 0) + 1)
  }
  assert.equal(names.size, 2)
  assert.ok(app.pool.metrics.retries >= 19, 'the dead one had its turns')
  assert.match(app.pool.metrics.plain(), new RegExp(`worker_${victim.port}_alive 1\n`))
  assert.equal(app.pool.metrics.failed, 0)
})

test('a worker whose health is fine stays alive and keeps its turns, though it resets every request', async (t) => {
  const good = await startWorkers(t, 2)
  const bad = await rawWorker(t, (socket, { path }) => {
    if (path === '/health') socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    else socket.resetAndDestroy()
  })
  const app = await startApp(t, [bad.url, ...good.map(({ url }) => url)], {
    pool: { health: { schedule: '* * * * * *', timeout: 500 } },
  })
  await app.pool.ready
  for (let i = 0; i < 30; i++) assert.equal((await fetch(app.url)).status, 200)
  for (let i = 0; i < 4; i++) await app.pool.poll()
  for (let i = 0; i < 30; i++) assert.equal((await fetch(app.url)).status, 200)
  const [worker] = app.pool.workers
  assert.equal(worker?.alive, true)
  assert.equal(worker?.requests, bad.requests.filter(({ path }) => path === '/').length)
  assert.ok((worker?.requests ?? 0) >= 20, 'its turns')
})

test('answers 503 with Retry-After at once when nobody is alive', async (t) => {
  const worker = await startWorker(t)
  worker.health = 500
  const app = await startApp(t, [worker.url], { pool: { health: { schedule: '* * * * * *', timeout: 500 } } })
  await app.pool.ready
  const answer = await fetch(app.url, { headers: { accept: 'text/plain' } })
  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('retry-after'), '1')
  assert.equal(await answer.text(), 'no worker is available\n')
  assert.deepEqual(worker.requests, [])
  const { total, failed, unattempted, retries } = app.pool.metrics
  assert.deepEqual(
    { total, failed, unattempted, retries },
    { total: 1, failed: 1, unattempted: 1, retries: 0 },
  )
})

test('a request that comes before the first probes waits for them and succeeds', async (t) => {
  const worker = await startWorker(t)
  let finish = (): void => {}
  const probed = new Promise<void>((resolve) => void (finish = resolve))
  const app = await startApp(t, [worker.url], {
    pool: { health: { schedule: '0 * * * * *', probe: () => probed } },
  })
  const answer = fetch(app.url)
  await until('the request is in', () => app.pool.metrics.active === 1)
  assert.equal(worker.requests.length, 0)
  finish()
  assert.equal((await answer).status, 200)
})

test('a request whose client leaves while it waits is tried on nobody', async (t) => {
  const worker = await startWorker(t)
  let finish = (): void => {}
  const probed = new Promise<void>((resolve) => void (finish = resolve))
  const app = await startApp(t, [worker.url], {
    pool: { health: { schedule: '0 * * * * *', probe: () => probed } },
  })
  let gone = false
  app.server.on('connection', (socket) => socket.once('close', () => void (gone = true)))
  const abort = new AbortController()
  const answer = fetch(app.url, { signal: abort.signal })
  await until('the request is in', () => app.pool.metrics.active === 1)
  abort.abort()
  await assert.rejects(answer)
  await until('the client is gone', () => gone)
  finish()
  await app.pool.ready
  await until('nobody is active', () => app.pool.metrics.active === 0)
  assert.deepEqual(worker.requests, [])
  assert.equal(app.pool.metrics.unattempted, 1)
  assert.equal(app.pool.metrics.failed, 0)
})
