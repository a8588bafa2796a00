import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lines, startCrew } from './crew.ts'
import { startBackend, until } from './reloading.ts'

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
