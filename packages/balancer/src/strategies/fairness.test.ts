import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { dice } from '../../test/support/dice.ts'
import { clientOf, weighted } from '../../test/support/fakes.ts'
import type { Lease } from '../worker.ts'
import { strategies, type StrategyName } from './index.ts'

const PICKS = 40_000

/** Those that know weights, and how many requests for each unit of weight are in flight all the time. */
const KNOWING: readonly (readonly [StrategyName, inFlight: number])[] = [
  ['weighted-round-robin', 0],
  ['weighted-round-robin', 10],
  ['least-connections', 0],
  ['least-connections', 10],
  ['random-two-choices', 0],
  ['random-two-choices', 10],
  ['least-response-time', 50], // with little in flight, the one that answers sooner gets nearly all
  ['ip-hash', 0],
]

const weights = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 5 })

suite('in the long run each worker gets its weight’s share, within 1 % of all requests:', () => {
  for (const [name, inFlight] of KNOWING)
    test(`${name}, ${inFlight === 0 ? 'one request after the other' : `${inFlight} in flight for each unit of weight`}`, () => {
      fc.assert(
        fc.property(fc.integer(), weights, (seed, weights) => {
          let now = 0
          const total = weights.reduce((sum, weight) => sum + weight)
          const workers = weighted(weights, () => now)
          const pick = strategies[name]({ random: dice(seed) })
          const leases: Lease[] = []
          for (let i = 0; i < PICKS; i++) {
            now++
            const worker = pick(workers, clientOf({ ip: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }))
            if (worker) leases.push(worker.lease())
            if (i >= inFlight * total) leases[i - inFlight * total]?.release(200)
          }
          for (const { seq, requests, weight } of workers) {
            const [share, due] = [requests / PICKS, weight / total]
            assert.ok(
              Math.abs(share - due) <= 0.01,
              `${seq} of ${weights.join(':')} got ${share}, not ${due}`,
            )
          }
        }),
        { numRuns: 10 },
      )
    })
})
