import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { roundRobin, weightedRoundRobin, type Strategy } from '../src/index.ts'
import { simulate, type Setting } from './support/simulation.ts'
import type { Processes } from './support/simulated-processes.ts'

const SPREADS: readonly (readonly [string, Processes])[] = [
  ['one process', { count: 1 }],
  ['four processes', { count: 4 }],
  ['sixteen processes', { count: 16 }],
  ['four processes, of which one gets half of all connections', { count: 4, first: 0.5 }],
  ['sixteen processes, of which one gets half of all connections', { count: 16, first: 0.5 }],
]

const SEEDS = 30

/** Ten thousand requests, whoever is fast or slow. */
function setting(weights: readonly number[]): Setting {
  const workers = weights.length
  return {
    workers,
    weights,
    slowEvery: 2,
    slowness: 1,
    service: 10,
    perSecond: 70 * workers,
    requests: 10_000,
  }
}

type Create = (chance: { random: () => number }) => Strategy

/** The farthest that a worker's count is from its weight's, in requests and as a share of that, of so many throws. */
function farthest(
  create: Create,
  weights: readonly number[],
  processes: Processes,
  seeds = SEEDS,
): [number, number] {
  const total = weights.reduce((sum, weight) => sum + weight)
  let [most, share] = [0, 0]
  for (let seed = 1; seed <= seeds; seed++) {
    const { counts } = simulate((random) => create({ random }), setting(weights), seed, processes)
    for (const [seq, count] of counts.entries()) {
      const due = (10_000 * (weights[seq] as number)) / total
      most = Math.max(most, Math.abs(count - due))
      share = Math.max(share, Math.abs(count - due) / due)
    }
  }
  return [most, share]
}

suite('over ten thousand requests each worker gets its count, give or take 1 % of it, through', () => {
  for (const [through, processes] of SPREADS)
    for (const [name, create, weights] of [
      ['round robin over four', roundRobin, [1, 1, 1, 1]],
      ['round robin over ten', roundRobin, Array.from({ length: 10 }, () => 1)],
      ['weighted round robin of 5, 3, 1 and 1', weightedRoundRobin, [5, 3, 1, 1]],
    ] as const)
      test(`${through}: ${name}`, (t) => {
        const [most, share] = farthest(create, weights, processes)
        t.diagnostic(`at most ${most.toFixed(1)} requests, ${(share * 100).toFixed(2)} %, by ${SEEDS} dice`)
        assert.ok(share <= 0.01, `${share}`)
        assert.ok(most <= 2 * processes.count, `${most} requests: each process adds two at most`)
      })

  test('any number of processes: round robin is off by less than one request for each, however many workers', () => {
    for (const workers of [3, 7, 100])
      for (const [, processes] of SPREADS) {
        const weights = Array.from({ length: workers }, () => 1)
        const [most] = farthest(roundRobin, weights, processes, 10)
        assert.ok(
          most < processes.count,
          `${most} requests of ${processes.count} processes, ${workers} workers`,
        )
      }
  })
})
