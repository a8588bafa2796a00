import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { roundRobin, type Strategy } from '../src/index.ts'
import { strategies } from '../src/strategies/index.ts'
import { BUSY, CALM, SMALL, simulate, type Setting, type Simulated } from './support/simulation.ts'
import type { Processes } from './support/simulated-processes.ts'

/** A fifth of the workers and of the requests a second: the same load on each. */
function fifth(setting: Setting): Setting {
  return { ...setting, workers: setting.workers / 5, perSecond: setting.perSecond / 5, requests: 100_000 }
}

/** In how many times round robin's 99th percentile an answer must come: by load, and by the time answers take. */
const SETTINGS = [
  ['eight workers, one of them five times slower, at 70 % load', SMALL, { byLoad: 1 / 50, byTime: 1 / 500 }],
  ['two hundred workers, a tenth ten times slower, busy', fifth(BUSY), { byLoad: 1 / 8, byTime: 1 / 100 }],
  // With so little in flight, a process of sixteen sees nearly all workers idle: only latency tells them apart.
  ['two hundred workers, a tenth ten times slower, calm', fifth(CALM), { byLoad: 0.95, byTime: 1 / 4 }],
] as const

const ALONE: Processes = { count: 1 }
const SIXTEEN: Processes = { count: 16 }
const SPREADS: readonly Processes[] = [{ count: 4 }, SIXTEEN, { count: 16, first: 0.5 }]
const SHARED: Processes = { count: 16, sees: 'all' }

const BY_LOAD = ['least-connections', 'random-two-choices'] as const
type Name = (typeof BY_LOAD)[number] | 'round-robin' | 'least-response-time'

for (const [what, setting, { byLoad, byTime }] of SETTINGS)
  suite(`before ${what}`, () => {
    const run = remembered((name: Name, processes: Processes) =>
      simulate((random) => strategies[name]({ random }), setting, 1, processes),
    )

    for (const [name, bound] of [
      ...BY_LOAD.map((name) => [name, byLoad] as const),
      ['least-response-time', byTime] as const,
    ])
      test(`${name}, of processes that see their own requests alone, beats round robin, starves nobody and makes no herd`, (t) => {
        const alone = told(t, name, ALONE, run(name, ALONE))
        const shared = told(t, name, SHARED, run(name, SHARED), { alone })
        for (const processes of SPREADS) {
          const result = told(t, name, processes, run(name, processes), { alone, shared })
          const turns = run('round-robin', processes)
          assert.ok(result.p99 < turns.p99 * bound, `${result.p99} ms to ${turns.p99}`)
          assert.ok(result.fewest > 0, 'a worker starved')
          assert.ok(result.least > 0.25, `one got ${result.least} of what others got`)
          assert.ok(isEven(result, turns), 'a herd')
        }
      })

    test('least-response-time of sixteen is within twice that of one, and the soonest by far', () => {
      const { p99 } = run('least-response-time', SIXTEEN)
      assert.ok(p99 < 2 * run('least-response-time', ALONE).p99)
      for (const name of BY_LOAD) assert.ok(p99 * 3 < run(name, SIXTEEN).p99, name)
    })

    test('with shared counters sixteen are as good as one', () => {
      for (const name of [...BY_LOAD, 'least-response-time'] as const) {
        const [alone, shared] = [run(name, ALONE), run(name, SHARED)]
        assert.ok(Math.abs(shared.p99 / alone.p99 - 1) < 0.1, `${name}: ${shared.p99} ms to ${alone.p99}`)
      }
    })
  })

test('a strategy that gives every tie to the first worker would make a herd of sixteen processes', () => {
  const firstOfLeast: Strategy = (list) =>
    list.reduce((best, worker) => (worker.inFlight < best.inFlight ? worker : best))
  for (const setting of [SMALL, fifth(BUSY)]) {
    const short = { ...setting, requests: 30_000 }
    const herd = simulate(() => firstOfLeast, short, 1, SIXTEEN)
    const turns = simulate((random) => roundRobin({ random }), short, 1, SIXTEEN)
    assert.ok(!isEven(herd, turns))
  }
})

/** In a herd, requests wait for one worker while others are idle: more than in turn, and that one gets more than others. */
function isEven({ p50, most }: Simulated, turns: Simulated): boolean {
  return p50 < turns.p50 * 1.15 && most < 1.5
}

/** The same results for the same arguments, without the work. */
function remembered(run: (name: Name, processes: Processes) => Simulated): typeof run {
  const known = new Map<string, Simulated>()
  return (name, processes) => {
    const key = JSON.stringify([name, processes])
    const result = known.get(key) ?? run(name, processes)
    known.set(key, result)
    return result
  }
}

interface Others {
  readonly alone?: Simulated
  readonly shared?: Simulated
}

function told(
  t: TestContext,
  name: string,
  { count, sees, first }: Processes,
  result: Simulated,
  others: Others = {},
): Simulated {
  const who = [name, count, first && 'skewed', sees === 'all' && 'shared'].filter(Boolean).join(' ')
  const times = [result.p50, result.p99, result.p999].map((time) => time.toFixed(1).padStart(8)).join(' ')
  const ratios = Object.entries(others).map(([to, { p99 }]) => `${(result.p99 / p99).toFixed(2)} of ${to}`)
  const slow = `${(result.slow * 100).toFixed(1)} % to slow workers`
  t.diagnostic([`${who.padEnd(30)} p50, p99, p99.9 ms: ${times}`, slow, ...ratios].join('; '))
  return result
}
