import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { leastResponseTime, randomTwoChoices, roundRobin } from '../src/index.ts'
import { BUSY, CALM, simulate, type Simulated } from './support/simulation.ts'

suite('of a thousand simulated workers a tenth is ten times slower', () => {
  for (const [what, setting, factor] of [
    ['calm, so that even the slow ones bear an equal share', CALM, 2],
    ['busy, so that the slow ones would not', BUSY, 10],
  ] as const)
    test(`and requests are ${what}: who looks at load answers sooner than round robin`, (t) => {
      const of = {
        'round-robin': roundRobin,
        'random-two-choices': randomTwoChoices,
        'least-response-time': leastResponseTime,
      }
      const results = Object.entries(of).map(([name, create]) => {
        const result = simulate((random) => create({ random }), setting)
        t.diagnostic(`${name.padEnd(20)} ${line(result)}`)
        return result
      })
      const [inTurn, twoChoices, soonest] = results as [Simulated, Simulated, Simulated]
      assert.ok(twoChoices.p99 * factor < inTurn.p99)
      assert.ok(soonest.p99 * 2 * factor < inTurn.p99)
      assert.ok(soonest.p99 * 2 < twoChoices.p99)
      assert.ok(soonest.p50 < inTurn.p50 * 1.1)
      for (const { fewest } of results) assert.ok(fewest > 0, 'a worker starved')
    })
})

function line({ p50, p99, p999, slow }: Simulated): string {
  const times = [p50, p99, p999].map((time) => time.toFixed(1).padStart(8)).join(' ')
  return `p50, p99, p99.9 ms: ${times}; ${(slow * 100).toFixed(1)} % of requests to slow workers`
}
