import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import { bodies, byEach, isGone, lines, startCrew } from './crew.ts'
import { get, lastingPort } from './processes.ts'
import { startBackend, until } from './reloading.ts'

/** Time between two rounds, in ms. */
const GAP = 3000
/** One good or bad probe decides: none fails for what is off the CPU for a second, or two. */
const HEALTH = { schedule: '*/3 * * * * *', timeout: '2900ms', rise: 1, fall: 1 }

/** A backend at a port, whose health a test decides; it notes of each probe in which round of the schedule it came. */
async function startMoody(t: TestContext, name: string, port: number) {
  const rounds: number[] = []
  const mood = { isWell: true, rounds }
  const server = createServer((req, res) => {
    if (req.url === '/health') {
      rounds.push(Math.floor(Date.now() / GAP))
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
    const first = Math.floor(Date.now() / GAP) + 1
    const rounds = [first, first + 1, first + 2]
    const probesOf = ({ mood }: typeof own): number[] =>
      rounds.map((round) => mood.rounds.filter((one) => one === round).length)
    await until('three whole rounds are over', () =>
      [own, alike].every(({ mood }) => mood.rounds.some((round) => round > first + 2)),
    )
    assert.deepEqual(probesOf(own), [1, 1, 1])
    assert.deepEqual(probesOf(alike), [1, 1, 1])
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
    const health = { ...HEALTH, schedule: '0 0 0 1 1 *' }
    const crew = await startCrew(t, { workers: [sick.url, well.url], health }, 1)
    await crew.gateway.line(new RegExp(`worker ${sick.id} is down`))
    const [first] = await crew.serving()
    assert.ok(first)
    const { length } = sick.mood.rounds
    process.kill(first.pid, 'SIGKILL')
    await until('it is gone', () => isGone(first.pid))
    await until('there is another', async () =>
      (await crew.serving()).some(({ pid, number }) => number === 1 && pid !== first.pid),
    )
    const answers = await byEach(t, crew, () =>
      Promise.all(Array.from({ length: 5 }, () => get(crew.gateway.url))),
    )
    assert.deepEqual(new Set(answers.flat().map(({ body }) => body)), new Set(['well']))
    assert.equal(sick.mood.rounds.length, length)
    assert.equal(crew.gateway.lines.filter((line) => /is (up|down)/.test(line)).length, 2)
  })
})
