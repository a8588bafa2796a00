import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Chance } from '../../../scripts/soak/chance.ts'
import { lastingPort } from './processes.ts'
import { until } from './reloading.ts'
import { assertOfFallen } from './several/links.ts'
import { assertAgree, assertWeights, connectToAll } from './several/asking.ts'
import { CHANGING, DEEDS, type Scene } from './several/deeds.ts'
import { Load } from './several/load.ts'
import { Model } from './several/model.ts'
import { assertGone, atRest, poolOf, startNamed, startSeveral } from './several/site.ts'
import { Totals } from './several/totals.ts'

/** Repeats a walk. */
const SEED = Number(process.env['SEED'] ?? 1 + Math.floor(Math.random() * 999_999))
const STEPS = 60
const NAMES = ['a', 'b', 'c', 'd', 'e']
/** How much more memory the leading process may have in the end, in KiB. */
const GROWTH = 80_000

test(`${STEPS} deeds, crashes among them, under 30 connections of traffic leave all processes of one mind`, async (t) => {
  t.diagnostic(`SEED=${SEED}`)
  const chance = new Chance(SEED)
  const backends = await Promise.all(NAMES.map((name) => startNamed(t, name)))
  const urls = new Map(NAMES.map((name, i) => [name, backends[i]?.url ?? '']))
  const url = (name: string): string => urls.get(name) ?? ''
  const model = new Model(['a', 'b', 'c'], ['a', 'b'], 3)
  const port = await lastingPort()
  let round = 0
  const config = () => ({
    listen: `127.0.0.1:${port}`,
    processes: model.processes,
    shutdown: '6s',
    pools: {
      main: {
        workers: ['a', 'b', 'c'].map(url),
        strategy: 'weighted-round-robin',
        drain: { timeout: '20s' },
      },
      filed: {
        workers: Array.from(model.filed, ([name, weight]) => ({ url: url(name), weight })),
        strategy: 'weighted-round-robin',
        drain: { timeout: '20s' },
      },
      still: { workers: [url('a'), url('b')], forwarder: 'undici' },
    },
    routes: [
      ...['main', 'filed', 'still'].map((pool) => ({ path: `/${pool}`, pool })),
      { path: '/round', answer: { status: 200, body: String(++round) } }, // a file that stays the same is not read
    ],
  })
  const site = await startSeveral(t, config())
  const { gateway } = site
  const scene: Scene = { site, chance, model, urls, config, fallen: new Set() }
  const leader = gateway.child.pid ?? 0
  const before = await usage(leader)

  const totals = new Totals(t, site.admin)
  const load = new Load(t)
  let minds = [model.eligible]
  load.allowed = (pool) =>
    pool === 'main' || pool === 'filed' ? new Set(minds.flatMap((mind) => mind[pool])) : undefined
  const goal = { port }
  load.ask(8, goal, '/main')
  load.ask(4, goal, '/main', { isKept: false })
  load.ask(6, goal, '/filed')
  load.ask(2, goal, '/filed', { isKept: false })
  load.upload(2, goal, '/main/upload')
  load.ask(2, goal, '/still/events', { isKept: false })
  load.talk(6, goal, '/still', 30)

  const trail: string[] = []
  const seen = new Set<number>()
  try {
    for (let steps = 0; steps < STEPS;) {
      const deed = chance.one(DEEDS)
      if (CHANGING.has(deed)) minds = [{ main: NAMES, filed: NAMES }] // until it is known who
      const what = await deed(scene)
      if (what === undefined) continue
      trail.push(`${++steps}: ${what}`)
      await assertIsSo(scene)
      minds = [model.eligible]
      for (const pid of await site.serving()) seen.add(pid)
      const { agents, close } = await connectToAll(load, site, goal, '/main')
      await assertAgree(load, agents, goal, 'main', model.eligible.main)
      await assertAgree(load, agents, goal, 'filed', model.eligible.filed)
      close()
      await totals.read()
      assertExplained(load, scene)
      assert.deepEqual(totals.backwards, [])
    }
    await load.end()
    assertExplained(load, scene)
    const { agents, close } = await connectToAll(load, site, goal, '/main')
    await assertWeights(load, agents, goal, 'main', model.weights.main)
    await assertWeights(load, agents, goal, 'filed', model.weights.filed)
    close()
    await totals.end()
  } catch (error) {
    t.diagnostic(trail.join('\n'))
    t.diagnostic(gateway.lines.slice(-40).join('\n'))
    throw error
  }
  model.processes = 3
  await site.change(config())
  await site.settled(3)
  for (const pid of await site.serving()) seen.add(pid)
  const answers = (name: string): number => sumOf(load.answered, `${name} `)
  const { pools } = await atRest(site, (now) =>
    Object.entries(now.pools).every(([name, { requests }]) => requests.total >= answers(name)),
  )
  for (const [name, { requests, workers }] of Object.entries(pools)) {
    const inFlight = workers.map((worker) => worker.inFlight).filter((count) => count > 0)
    assert.deepEqual([requests.active, inFlight], [0, []], name)
    const { total } = requests
    const sent = load.sent.get(name) ?? 0
    const answered = answers(name)
    assert.ok(answered <= total && total <= sent, `${name}: ${answered} answered, ${total}, ${sent} sent`)
  }
  const after = await usage(leader)
  t.diagnostic(`${load.count} answers, ${load.failures.length} failures, ${scene.fallen.size} crashes`)
  t.diagnostic(`leading process: ${JSON.stringify(before)} → ${JSON.stringify(after)}`)
  assert.ok(after.descriptors <= before.descriptors, 'descriptors')
  assert.ok(after.memory - before.memory < GROWTH, 'memory')
  assert.equal(await gateway.end('SIGTERM'), 0)
  assertGone(seen)
})

const byId = ([one]: readonly unknown[], [other]: readonly unknown[]): number =>
  String(one) < String(other) ? -1 : 1

/** Waits until the leading process knows what the model says, with so many processes; fails if it does not come to that. */
async function assertIsSo({ site, model, urls }: Scene): Promise<void> {
  const idOf = (name: string): string => new URL(urls.get(name) ?? '').host
  const wanted = {
    main: Array.from(model.main, ([name, { weight, isDrained }]) => [idOf(name), weight, isDrained]).toSorted(
      byId,
    ),
    filed: Array.from(model.filed, ([name, weight]) => [idOf(name), weight, false]).toSorted(byId),
  }
  let found: unknown
  await until('it is as the model says', async () => {
    const stats = await site.stats()
    const { processes } = stats
    found = Object.fromEntries(
      (['main', 'filed'] as const).map((name) => [
        name,
        poolOf(stats, name)
          .workers.map(({ id, weight, draining }) => [id, weight, draining])
          .toSorted(byId),
      ]),
    )
    const areEligible =
      poolOf(stats, 'main').eligible === model.eligible.main.length &&
      poolOf(stats, 'filed').eligible === model.eligible.filed.length
    const serving = processes.filter(({ state }) => state === 'serving').length
    const starting = processes.some(({ state }) => state === 'starting')
    const isSo = JSON.stringify(found) === JSON.stringify(wanted)
    return isSo && areEligible && serving === model.processes && !starting
  }).catch((error: unknown) => {
    assert.deepEqual(found, wanted)
    throw error
  })
}

/** Fails for what failed on a connection of a process that did not fall. */
function assertExplained({ failures }: Load, { site, fallen }: Scene): void {
  if (failures.length === 0) return
  assertOfFallen(failures, site.takers(), fallen)
}

/** What a process uses at rest: the least of some readings, since probes come and go. */
async function usage(pid: number): Promise<{ descriptors: number; memory: number }> {
  let [descriptors, memory] = [Infinity, Infinity]
  for (let i = 0; i < 10; i++) {
    await pause(100)
    descriptors = Math.min(descriptors, readdirSync(`/proc/${pid}/fd`).length)
    const [, resident] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    memory = Math.min(memory, Number(resident))
  }
  return { descriptors, memory }
}

function sumOf(counts: ReadonlyMap<string, number>, begin: string): number {
  return Array.from(counts).reduce((sum, [key, count]) => (key.startsWith(begin) ? sum + count : sum), 0)
}
