import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodies, lines, startCrew } from './crew.ts'
import { get } from './processes.ts'
import { startBackend, until } from './reloading.ts'
import { stream } from './stream.ts'

/** How often a worker is drained, and comes back. */
const ROUNDS = 30

for (const [way, end] of [
  ['drained', 'of default is drained'],
  ['removed', 'has left default'],
] as const)
  test(`a worker that is said to be ${way} carries nothing, and gets nothing more, by any process`, async (t) => {
    let carried = 0
    let served = 0
    const busy = await startBackend(t, 'busy', (_req, res) => {
      carried++
      setTimeout(() => {
        carried--
        served++
        res.end('busy')
      }, 3)
    })
    const other = await startBackend(t, 'other')
    const crew = await startCrew(t, { processes: 3, workers: [other.url, busy.url], health: { rise: 1 } })
    const all = await lines(t, crew)
    const work = { isOver: false, answers: 0 }
    const clients = [...all, ...all].map(async (one) => {
      for (; !work.isOver; work.answers++) assert.equal((await one.get()).status, 200)
    })
    const path = `/workers/default/${busy.id}`
    for (let round = 0; round < ROUNDS; round++) {
      const before = served
      await until('it serves', () => served > before)
      const { length } = crew.gateway.lines
      if (way === 'drained') await crew.call('POST', `${path}/drain`)
      else await crew.call('DELETE', path)
      await crew.gateway.line(new RegExp(`${busy.id} ${end}; exchanges that were cut: 0`), length)
      assert.equal(carried, 0, `round ${round}`)
      const after = [served, work.answers] as const
      await until('others serve', () => work.answers > after[1] + clients.length)
      assert.equal(served, after[0])
      if (way === 'drained') await crew.call('POST', `${path}/undrain`)
      else await crew.call('POST', '/workers/default', { url: busy.url })
    }
    work.isOver = true
    await Promise.all(clients)
  })

test('a worker that has left in some processes and not in all, and is wanted again, gets requests of each', async (t) => {
  const [busy, other] = await Promise.all([startBackend(t, 'busy'), startBackend(t, 'other')])
  const crew = await startCrew(t, { processes: 3, workers: [other.url, busy.url] })
  const all = await lines(t, crew)
  const path = `/workers/default/${busy.id}`
  const serves = (): Promise<unknown> =>
    until('each has requests of it', async () =>
      (await Promise.all(all.map((one) => bodies([one], '/', 4)))).every((some) => some.includes('busy')),
    )
  await serves()
  await crew.call('POST', `/workers/default/${other.id}/drain`)
  const held = await stream(t, crew.gateway.url)
  await crew.call('POST', `/workers/default/${other.id}/undrain`)
  await crew.call('DELETE', path, { timeout: '1m' })
  assert.equal((await crew.call('POST', `${path}/undrain`)).status, 200)
  await serves()
  held.res.destroy()
})

test('exchanges of a worker whose place another has by now are cut all the same', async (t) => {
  const [busy, other] = await Promise.all([startBackend(t, 'busy'), startBackend(t, 'other')])
  const crew = await startCrew(t, { workers: [{ url: busy.url, name: 'one' }] })
  const held = await stream(t, crew.gateway.url)
  await crew.call('POST', '/workers/default', { url: other.url, name: 'two' })
  await crew.call('DELETE', '/workers/default/one', { timeout: '300ms' })
  await crew.call('POST', '/workers/default', { url: other.url, name: 'one' })
  await held.over
})

test('the end of a drain cuts nothing of another worker that has the same name since', async (t) => {
  const [busy, other] = await Promise.all([startBackend(t, 'busy'), startBackend(t, 'other')])
  const workers = (url: string) => [{ url, name: 'one' }]
  const crew = await startCrew(t, { workers: workers(busy.url) })
  const before = await stream(t, crew.gateway.url)
  await crew.call('POST', '/workers/default/one/drain', { timeout: '2s' })
  await crew.change({ ...crew.config, workers: workers(other.url) })
  await until('the other is up', async () => (await get(crew.gateway.url)).body === 'other')
  const after = await stream(t, crew.gateway.url)
  let isCut = false
  void after.over.then(() => (isCut = true))
  await crew.call('POST', '/workers/default/one/drain', { timeout: '1m' })
  await before.over
  await crew.stats()
  await crew.stats()
  assert.equal(isCut, false)
  after.res.destroy()
})
