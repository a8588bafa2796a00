import assert from 'node:assert/strict'
import { ask, SELDOM, start, startWorker, testInPools, until } from './running.ts'

testInPools('health is asked for at its path', ['health.path'], async (t, place) => {
  const worker = await startWorker(t)
  const { url } = await start(t, place.file({ workers: [worker.url], health: { path: '/health/deep?x=1' } }))
  assert.equal((await ask(url)).status, 200)
  assert.deepEqual(Array.from(worker.probes.keys()), ['/health/deep?x=1'])
})

testInPools('health is asked for by its schedule', ['health.schedule'], async (t, place) => {
  const worker = await startWorker(t)
  await fetch(`${worker.url}/sick`, { method: 'POST' })
  const rare = await start(t, place.file({ workers: [worker.url], health: { schedule: SELDOM } }))
  const seldom = await ask(rare.url)
  assert.equal(seldom.status, 503)
  assert.ok(Number(seldom.headers['retry-after']) > 60, 'the next poll is far away')

  const { url } = await start(
    t,
    place.file({ workers: [worker.url], health: { schedule: '* * * * * *', rise: 1 } }),
  )
  assert.equal((await ask(url)).headers['retry-after'], '1')
  await fetch(`${worker.url}/well`, { method: 'POST' })
  await until('the worker is up again', async () => (await ask(url)).status === 200)
})

testInPools('a probe that takes longer than its timeout is bad', ['health.timeout'], async (t, place) => {
  const worker = await startWorker(t)
  const health = { path: '/health?delay=400', schedule: SELDOM }
  const strict = await start(t, place.file({ workers: [worker.url], health: { ...health, timeout: '50ms' } }))
  assert.equal((await ask(strict.url)).status, 503)
  const patient = await start(t, place.file({ workers: [worker.url], health: { ...health, timeout: '10s' } }))
  assert.equal((await ask(patient.url)).status, 200)
})

testInPools(
  'it takes so many probes in a row to fall and to rise',
  ['health.rise', 'health.fall'],
  async (t, place) => {
    const worker = await startWorker(t)
    const { url, gateway } = await start(
      t,
      place.file({ workers: [worker.url], health: { schedule: SELDOM, timeout: '10s', fall: 2, rise: 4 } }),
    )
    const afterPolls = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) await gateway.pools.get(place.pool)?.poll()
      return (await ask(url)).status
    }
    assert.equal(await afterPolls(0), 200)
    await fetch(`${worker.url}/sick`, { method: 'POST' })
    assert.equal(await afterPolls(1), 200)
    assert.equal(await afterPolls(1), 503)
    await fetch(`${worker.url}/well`, { method: 'POST' })
    assert.equal(await afterPolls(3), 503)
    assert.equal(await afterPolls(1), 200)
  },
)
