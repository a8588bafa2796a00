import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from './reloading.ts'
import { assertOfFallen } from './several/links.ts'
import { Load } from './several/load.ts'
import { assertAddsUp, assertGone, atRest, poolOf, startNamed, startSeveral } from './several/site.ts'
import { Totals } from './several/totals.ts'

const PROCESSES = 3
const ROUNDS = 4
const NAMES = ['a', 'b', 'c']

for (const forwarder of ['http-proxy-middleware', 'undici'])
  test(`a process that aborts under load costs its own connections and nothing else, by ${forwarder}`, async (t) => {
    const backends = await Promise.all(NAMES.map((name) => startNamed(t, name)))
    const site = await startSeveral(t, {
      listen: '127.0.0.1:0',
      processes: PROCESSES,
      pools: { main: { workers: backends.map(({ url }) => url), forwarder } },
      routes: [{ path: '/main', pool: 'main' }],
    })
    const { gateway } = site
    const totals = new Totals(t, site.admin)
    const load = new Load(t)
    load.ask(30, gateway, '/main', { think: 5 })
    load.ask(10, gateway, '/main', { isKept: false, think: 10 })
    const fallen = new Set<number>()
    for (let round = 0; round < ROUNDS; round++) {
      const { count } = load
      await until('there is traffic', () => load.count > count + 400)
      const { processes } = await site.stats()
      const { pid = 0 } = processes[round % PROCESSES] ?? {}
      const since = gateway.lines.length
      fallen.add(pid)
      process.kill(pid, round % 2 === 0 ? 'SIGABRT' : 'SIGWINCH') // the latter has it abort by itself
      await gateway.line(new RegExp(`\\(pid ${pid}\\) was ended by SIGABRT; another takes its place`), since)
      await site.settled(PROCESSES)
    }
    const { count } = load
    await until('there is traffic', () => load.count > count + 400)
    await load.end()

    assertOfFallen(load.failures, site.takers(), fallen)
    await totals.end()

    const main = poolOf(await atRest(site, (now) => poolOf(now, 'main').requests.total >= load.count), 'main')
    const { total } = main.requests
    const sent = load.sent.get('main') ?? 0
    t.diagnostic(`${sent} sent, ${load.count} answered, ${total} counted, ${load.failures.length} failed`)
    assert.ok(load.count <= total && total <= sent)
    assertAddsUp(main)
    const serving = await site.serving()
    assert.equal(await gateway.end('SIGTERM'), 0)
    assertGone([...fallen, ...serving])
  })
