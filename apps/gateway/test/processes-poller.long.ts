import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import { bodies, byEach, isGone, lines, startCrew } from './crew.ts'
import { get, lastingPort } from './processes.ts'
import { startBackend, until } from './reloading.ts'

/** Each second, and one good or bad probe decides. */
const HEALTH = { schedule: '* * * * * *', rise: 1, fall: 1 }

/** A backend at a port, whose health a test decides; it counts its probes. */
async function startMoody(t: TestContext, name: string, port: number) {
  const mood = { isWell: true, probes: 0 }
  const server = createServer((req, res) => {
    if (req.url === '/health') {
      mood.probes++
      res.writeHead(mood.isWell ? 200 : 503).end()
    } else res.end(name)
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { mood, url: `http://127.0.0.1:${port}`, id: `127.0.0.1:${port}` }
}

suite('workers are polled by the leading process alone', () => {
  test('however many processes serve: a worker gets as many probes as from a gateway of one', async (t) => {
    const alike = await startMoody(t, 'alike', await lastingPort())
    const own = await startMoody(t, 'own', await lastingPort())
    const [many] = await Promise.all([
      startCrew(t, { processes: 3, workers: [alike.url], health: HEALTH }),
      startCrew(t, { processes: 1, workers: [own.url], health: HEALTH }),
    ])
    const [before, ownBefore] = [alike.mood.probes, own.mood.probes]
    await until('three more rounds are over', () => own.mood.probes >= ownBefore + 3)
    const probes = alike.mood.probes - before
    assert.ok(probes >= 2 && probes <= 4, `${probes} probes, as three are of the other`)
    assert.equal((await many.serving()).length, 3)
  })

  test('and all go by it: nobody picks one that is down after the line, all pick one that is up again', async (t) => {
    const sick = await startMoody(t, 'sick', await lastingPort())
    const well = await startBackend(t, 'well')
    const crew = await startCrew(t, { workers: [sick.url, well.url], health: HEALTH })
    const all = await lines(t, crew)
    assert.deepEqual(
      (await Promise.all(all.map((one) => bodies([one], '/', 4)))).map((some) => new Set(some).size),
      [2, 2],
    )
    sick.mood.isWell = false
    await crew.gateway.line(new RegExp(`worker ${sick.id} is down`))
    assert.deepEqual(new Set(await bodies(all, '/', 10)), new Set(['well']))

    const since = crew.gateway.lines.length
    sick.mood.isWell = true
    await crew.gateway.line(new RegExp(`worker ${sick.id} is up`), since)
    for (const one of all) assert.deepEqual(new Set(await bodies([one], '/', 4)), new Set(['well', 'sick']))
    assert.equal(crew.gateway.lines.filter((line) => line.includes(`${sick.id} is down`)).length, 1)
  })

  test('and one that takes the place of another knows at once who is down', async (t) => {
    const sick = await startMoody(t, 'sick', await lastingPort())
    sick.mood.isWell = false
    const well = await startBackend(t, 'well')
    const crew = await startCrew(t, {
      workers: [sick.url, well.url],
      health: { ...HEALTH, schedule: '0 0 0 1 1 *' },
    })
    await crew.gateway.line(new RegExp(`worker ${sick.id} is down`))
    const [first] = await crew.serving()
    assert.ok(first)
    const { probes } = sick.mood
    process.kill(first.pid, 'SIGKILL')
    await until('it is gone', () => isGone(first.pid))
    await until('there is another', async () =>
      (await crew.serving()).some(({ pid, number }) => number === 1 && pid !== first.pid),
    )
    const answers = await byEach(t, crew, () =>
      Promise.all(Array.from({ length: 5 }, () => get(crew.gateway.url))),
    )
    assert.deepEqual(new Set(answers.flat().map(({ body }) => body)), new Set(['well']))
    assert.equal(sick.mood.probes, probes)
    assert.equal(crew.gateway.lines.filter((line) => /is (up|down)/.test(line)).length, 2)
  })
})
