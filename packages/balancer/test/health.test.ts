import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createPool } from '../src/index.ts'
import { startApp } from './support/app.ts'
import { block } from './support/block.ts'
import { startProcess } from './support/processes.ts'
import { rawWorker } from './support/raw-worker.ts'
import { until } from './support/until.ts'
import { startWorkers } from './support/workers.ts'

const POLLED = { health: { schedule: '* * * * * *', timeout: 500 } }

test('a worker killed and restarted under load costs no request, and has its turns again', async (t) => {
  const processes = await Promise.all([startProcess(t), startProcess(t), startProcess(t)])
  const app = await startApp(
    t,
    processes.map(({ url }) => url),
    { pool: POLLED },
  )
  await app.pool.ready
  const [, victim] = processes
  const [, worker] = app.pool.workers
  if (!victim || !worker) return

  const statuses = new Map<number, number>()
  const load = { goesOn: true }
  const loaded = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (load.goesOn) {
        const answer = await fetch(app.url)
        await answer.text()
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      }
    }),
  )
  await until('all have served', () => app.pool.workers.every(({ requests }) => requests > 10))
  victim.child.kill('SIGKILL')
  await once(victim.child, 'exit')
  await until('it is found dead', () => !worker.alive)
  await startProcess(t, victim.port)
  await until('it is found alive', () => worker.alive)
  const before = worker.outcomes['2xx']
  await until('it serves again', () => worker.outcomes['2xx'] > before + 10)
  load.goesOn = false
  await loaded
  assert.deepEqual(Array.from(statuses.keys()), [200])
  assert.equal(app.pool.metrics.failed, 0)
})

test('a worker that turns sick without closing its port gets no more requests, and tells why', async (t) => {
  const workers = await startWorkers(t, 2)
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    { pool: POLLED },
  )
  await app.pool.ready
  const changes: string[] = []
  app.pool.on('down', (worker, reason) => changes.push(`down ${worker.id} ${reason}`))
  app.pool.on('up', (worker) => changes.push(`up ${worker.id}`))
  const [sick] = workers
  if (!sick) return
  sick.health = 503
  await until('it is found sick', () => changes.length === 1)
  assert.match(changes[0] ?? '', new RegExp(`^down 127\\.0\\.0\\.1:${sick.port} .*503`))
  const before = sick.requests.length
  for (let i = 0; i < 6; i++) assert.equal(await (await fetch(app.url)).text(), 'b')
  assert.equal(sick.requests.length, before)
  sick.health = 200
  await until('it is found well', () => changes.length === 2)
  assert.equal(changes[1], `up 127.0.0.1:${sick.port}`)
})

for (const [what, answer] of [
  ['hangs', ''],
  ['sends half a head', 'HTTP/1.1 200 OK\r\n'],
  ['sends a head and no body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
  ['redirects', 'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'],
  ['switches protocols', 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
  ['sends garbage', '\0\0\0\r\n\r\n'],
  ['has the status 099', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
] as const)
  test(`a worker whose /health ${what} is not eligible`, async (t) => {
    const worker = await rawWorker(t, answer)
    const app = await startApp(t, [worker.url], { pool: POLLED })
    await app.pool.ready
    assert.equal(app.pool.workers[0]?.alive, false)
    assert.equal((await fetch(`${app.url}/fine`)).status, 503)
  })

for (const [what, stalls, ms] of [
  ['stands still for long as soon as its pool is made', 1, 1500],
  ['stands still again and again', 12, 400],
] as const)
  test(`a process that ${what} takes no healthy worker for dead, and finds a dead one`, async (t) => {
    const processes = await Promise.all([startProcess(t), startProcess(t)])
    const urls = processes.map(({ url }) => url)
    const pool = createPool(urls, { health: { schedule: '* * * * * *', timeout: 300, fall: 1 } })
    t.after(() => pool.close())
    const down: string[] = []
    pool.on('down', ({ id }) => down.push(id))
    for (let i = 0; i < stalls; i++) {
      block(ms)
      await turn()
    }
    await pool.ready
    assert.deepEqual(down, [])
    const [victim] = processes
    victim?.child.kill('SIGKILL')
    await until('it is found dead', () => down.length > 0)
    assert.deepEqual(down, [`127.0.0.1:${victim?.port}`])
  })

test('probes use no connection of the traffic', async (t) => {
  const worker = await rawWorker(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  const app = await startApp(t, [worker.url], { pool: POLLED })
  await app.pool.ready
  for (let i = 0; i < 3; i++) {
    assert.equal((await fetch(app.url)).status, 200)
    await app.pool.poll()
  }
  const byConnection = Map.groupBy(worker.requests, ({ socket }) => socket)
  for (const requests of byConnection.values())
    assert.equal(new Set(requests.map(({ path }) => path)).size, 1, 'probes or traffic, never both')
})
