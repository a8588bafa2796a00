import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApp, type TestApp } from './support/app.ts'
import { until } from './support/until.ts'
import { startWorker, startWorkers } from './support/workers.ts'

async function picks(app: TestApp, count: number): Promise<string> {
  let names = ''
  for (let i = 0; i < count; i++) names += await (await fetch(app.url)).text()
  return names
}

const POLLED = { health: { schedule: '* * * * * *', timeout: 500 } }

test('each of three workers has every third request', async (t) => {
  const workers = await startWorkers(t, 3)
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
  )
  const names = await picks(app, 30)
  assert.match(names, /^(abc){10}$|^(bca){10}$|^(cab){10}$/)
  assert.deepEqual(
    app.pool.workers.map(({ requests }) => requests),
    [10, 10, 10],
  )
})

test('requests that come at once are shared out as exactly', async (t) => {
  const workers = await startWorkers(t, 3)
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
  )
  await Promise.all(Array.from({ length: 300 }, async () => (await fetch(app.url)).text()))
  assert.deepEqual(
    workers.map(({ requests }) => requests.length),
    [100, 100, 100],
  )
})

test('when a worker falls ill and returns, nobody is picked twice in a row', async (t) => {
  const workers = await startWorkers(t, 3)
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    { pool: POLLED },
  )
  await app.pool.ready
  let names = await picks(app, 4)
  const [, b] = workers
  if (!b) return
  b.health = 500
  for (let i = 0; i < 3; i++) await app.pool.poll()
  await until('b is down', () => app.pool.workers[1]?.alive === false)
  const without = await picks(app, 5)
  assert.doesNotMatch(without, /b/)
  names += without
  b.health = 200
  for (let i = 0; i < 2; i++) await app.pool.poll()
  await until('b is up', () => app.pool.workers[1]?.alive === true)
  names += await picks(app, 9)
  assert.doesNotMatch(names, /(.)\1/)
  assert.match(names.slice(-9), /^(...)\1\1$/)
})

test('workers that are added and removed have their turns from then and until then', async (t) => {
  const workers = await startWorkers(t, 2)
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
  )
  await picks(app, 2)
  const late = await startWorker(t, undefined, 'z')
  const added = app.pool.add({ url: late.url, name: 'late' })
  await until('it is alive', () => added.alive)
  assert.deepEqual(Array.from(await picks(app, 3)).toSorted(), ['a', 'b', 'z'])
  void app.pool.remove('late')
  assert.doesNotMatch(await picks(app, 4), /z/)
})
