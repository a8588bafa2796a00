import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from './reloading.ts'
import { assertOfFallen, withoutOverdue } from './several/links.ts'
import { Load } from './several/load.ts'
import { assertAddsUp, assertGone, atRest, poolOf, startSeveral } from './several/site.ts'
import { talkTcp } from './several/tcp-load.ts'
import { Totals } from './several/totals.ts'
import { startEcho } from './tcp-site.ts'

const PROCESSES = 3
/** What a process may take to end, in ms. */
const BOUND = 8000

test('TCP connections under load break with the process that falls, and none breaks where processes are replaced', async (t) => {
  const echoes = [await startEcho(t), await startEcho(t)]
  const site = await startSeveral(t, {
    processes: PROCESSES,
    shutdown: `${BOUND / 1000}s`,
    tcp: [{ listen: '127.0.0.1:0', pool: 'echo' }],
    pools: { echo: { workers: echoes.map(({ url }) => url) } },
  })
  const { gateway } = site
  const totals = new Totals(t, site.admin)
  const load = new Load(t)
  talkTcp(load, 60, gateway.port, 'echo', 20)
  const traffic = async (): Promise<void> => {
    const { count } = load
    await until('there is traffic', () => load.count > count + 80)
  }
  const fallen = new Set<number>()
  const seen = new Set<number>()
  const told = new Map<number, number>()
  for (const signal of ['SIGKILL', 'SIGWINCH', 'SIGABRT'] as const) {
    await traffic()
    const serving = await site.serving()
    const [pid = 0] = serving.slice(fallen.size)
    for (const one of serving) seen.add(one)
    fallen.add(pid)
    process.kill(pid, signal)
    await gateway.line(new RegExp(`\\(pid ${pid}\\) was ended by SIG\\w+; another takes its place`))
    await site.settled(PROCESSES)
    const { length } = gateway.lines
    const replaced = await site.serving()
    for (const one of replaced) told.set(one, Date.now())
    gateway.child.kill('SIGUSR2')
    await gateway.line(/all processes are replaced/, length)
  }
  await traffic()
  await load.end()
  await site.settled(PROCESSES)
  const taker = site.takers()
  assertOfFallen(withoutOverdue(load.failures, taker, told, BOUND), taker, fallen)
  await totals.end()

  const echo = poolOf(await atRest(site, (now) => poolOf(now, 'echo').requests.total >= load.count), 'echo')
  const { total } = echo.requests
  const sent = load.sent.get('echo') ?? 0
  t.diagnostic(`${sent} connections, ${load.count} to their end, ${total} counted`)
  assert.ok(load.count <= total && total <= sent)
  assertAddsUp(echo)
  for (const one of await site.serving()) seen.add(one)
  assert.equal(await gateway.end('SIGTERM'), 0)
  assertGone(seen)
})
