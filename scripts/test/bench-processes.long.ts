import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { useLoadProgram } from '../bench/load/http-load.ts'
import { countRunning } from '../bench/processes/launch.ts'
import { coresOf, divideCores, divided } from '../bench/processes/pin.ts'
import { usage } from '../bench/processes/under-load-of-all.ts'
import { family } from '../bench/processes/usage.ts'
import type { Row } from '../bench/result.ts'
import { runScenario } from '../bench/run-scenario.ts'
import { eachOnce } from '../bench/scenario.ts'
import { memoryOfProcesses } from '../bench/scenarios/processes-memory.ts'
import { processes } from '../bench/scenarios/processes.ts'
import { hpm } from '../bench/subjects/hpm.ts'
import { rondoHttpProxy } from '../bench/subjects/rondo-http-proxy.ts'
import { summarise } from '../bench/summary.ts'

test('cores are divided between the subject and its load only where each gets as many', () => {
  assert.deepEqual(divided([2, 3, 5, 7, 8], 2), { subject: [2, 3], load: [5, 7] })
  assert.deepEqual(divided([0, 1, 2], 2), { subject: [], load: [] })
  assert.deepEqual(divided([0, 1], 1), { subject: [0], load: [1] })
  assert.deepEqual(divided([], 1), { subject: [], load: [] })
})

test('the usage of several processes is that of all, with the share of the one that leads', () => {
  const figures = usage([10_000, 60_000, 30_000], 1000, 2)
  assert.deepEqual(figures, { cpu: 100, share: 0.05, room: 20_000, led: 0.1, busiest: 2 / 3 })
  assert.deepEqual(usage([50_000], 1000, 1), { cpu: 50, share: 0.05, room: 20_000 })
})

test('a family is a process and those that it has started', async (t) => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
  await once(child, 'spawn')
  const ours = family(process.pid)
  child.stdin.end()
  await once(child, 'close')
  if (process.platform !== 'linux') return t.skip('there is no /proc')
  assert.equal(ours[0], process.pid)
  assert.ok(ours.includes(child.pid ?? 0))
  assert.ok(!family(process.pid).includes(child.pid ?? 0))
})

test('a ratio may be of another figure than the first', () => {
  const contestants = eachOnce([rondoHttpProxy, hpm])
  const samples = new Map([
    ['rondo-http-proxy', [{ figures: { cpu: 60, room: 30 }, errors: 0 }]],
    ['hpm', [{ figures: { cpu: 50, room: 20 }, errors: 0 }]],
  ])
  const of = (): string => 'hpm'
  const against = [
    { heading: 'CPU', of },
    { heading: 'room', of, figure: 'room' },
  ] as const
  const [row] = summarise({ figures: ['cpu', 'room'], against }, contestants, samples, new Map())
  assert.deepEqual(row?.ratios, { CPU: 1.2, room: 1.5 })
})

test('of processes there is said what two cores can do at most, and what a further process costs', () => {
  divideCores(2)
  const row = (name: string, figures: Row['figures']): Row => {
    return { name, label: name, figures, ratios: {}, errors: 0 }
  }
  const [onTwoCores] = processes
  const said = onTwoCores?.conclude?.([
    row('undici, 1 process', { perSecond: 20_000, cpu: 50, beside: 15 }),
    row('undici, 2 processes', { perSecond: 30_000, cpu: 50, beside: 14.5 }),
  ])
  const most = /50\.0 µs of theirs and 14\.5 µs .* 31,008 a second at most, 1\.55 times/
  if (coresOf('subject').length === 0) assert.match(said?.[1] ?? '', most)
  else assert.match(said?.join() ?? '', /two cores for itself/)
  divideCores(1)
  const costs = memoryOfProcesses.conclude?.([
    row('2 processes, idle', { pss: 200 * 2 ** 20 }),
    row('4 processes, idle', { pss: 320 * 2 ** 20 }),
  ])
  assert.deepEqual(costs, ['A further process costs 60 MB, idle.'])
})

for (const scenario of [
  ...processes.filter(({ name }) => /-(new|tcp-one-core)$/.test(name)),
  memoryOfProcesses,
])
  test(`a real run of ${scenario.name} measures the gateway in two processes without errors`, async () => {
    useLoadProgram('autocannon')
    const all = scenario.contestants([])
    const contestants = all.filter(({ settings }) => settings?.processes === 2).slice(0, 1)
    const plan = { rounds: 1, seconds: 1, bound: 30 }
    const result = await runScenario({ ...scenario, warmUp: async () => {} }, contestants, plan, () => {})
    assert.equal(countRunning(), 0)
    const [row] = result.rows
    assert.deepEqual([row?.errors, row?.why], [0, undefined])
    if (process.platform !== 'linux') return
    for (const figure of scenario.figures) assert.ok((row?.figures[figure] ?? 0) > 0, figure)
  })
