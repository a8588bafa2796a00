import { strategies } from '../../../packages/balancer/src/strategies/index.ts'
import { BUSY, CALM, simulate } from '../../../packages/balancer/test/support/simulation.ts'
import { machine } from '../machine.ts'
import type { Row, ScenarioResult } from '../result.ts'

const SETTINGS = { calm: CALM, busy: BUSY } as const

/** What clients would feel of each strategy where a tenth of the workers is ten times slower: simulated, not measured. */
export function runSimulations(): ScenarioResult[] {
  return Object.entries(SETTINGS).map(([name, setting]) => ({
    name: `strategies-${name}`,
    title: `simulated response times, ${setting.perSecond.toLocaleString('en')} requests/s`,
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    load: '',
    backends: '',
    rounds: 1,
    seconds: setting.requests / setting.perSecond,
    unit: 'request',
    better: 'less',
    figures: ['p50', 'p99', 'p999', 'slow'],
    headings: [],
    rows: Object.entries(strategies).map(([name, create]): Row => {
      const { p50, p99, p999, slow } = simulate((random) => create({ random }), setting)
      return { name, label: name, figures: { p50, p99, p999, slow }, ratios: {}, errors: 0 }
    }),
    notes: [
      `${setting.workers.toLocaleString('en')} workers that serve one request after the other, in ${setting.service} ms on average; every ${setting.slowEvery}th takes ${setting.slowness} times as long. Arrivals by chance, the same for all.`,
    ],
  }))
}
