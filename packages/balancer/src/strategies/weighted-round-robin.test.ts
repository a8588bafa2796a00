import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { dice } from '../../test/support/dice.ts'
import { somebody, weighted } from '../../test/support/fakes.ts'
import { setWeight, type Worker } from '../worker.ts'
import type { Strategy } from './strategy.ts'
import { weightedRoundRobin } from './weighted-round-robin.ts'

const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 })
const seeds = fc.integer()

function picks(pick: Strategy, list: readonly Worker[], count: number): number[] {
  return Array.from({ length: count }, () => pick(list, somebody)?.seq ?? -1)
}

/** How often each was picked. */
function counts(seqs: readonly number[], workers: number): number[] {
  const found = Array.from({ length: workers }, () => 0)
  for (const seq of seqs) found[seq] = (found[seq] ?? 0) + 1
  return found
}

suite('weighted round robin', () => {
  test('interleaves the weights 5, 1 and 1 as nginx does', () => {
    const pick = weightedRoundRobin({ random: () => 0 })
    const row = [0, 0, 1, 0, 2, 0, 0]
    assert.deepEqual(picks(pick, weighted([5, 1, 1]), 14), [...row, ...row])
  })

  test('never picks one of them five times in a row, wherever chance begins', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const row = picks(weightedRoundRobin({ random: dice(seed) }), weighted([5, 1, 1]), 70).join('')
        assert.doesNotMatch(row, /00000|11|22/)
      }),
    )
  })

  test('is exact: any round of picks has each worker as often as its weight says', () => {
    fc.assert(
      fc.property(seeds, weights, (seed, weights) => {
        const round = weights.reduce((sum, weight) => sum + weight)
        const row = picks(weightedRoundRobin({ random: dice(seed) }), weighted(weights), 3 * round)
        for (let i = 0; i + round <= row.length; i++)
          assert.deepEqual(counts(row.slice(i, i + round), weights.length), weights)
      }),
    )
  })

  test('is round robin when all weigh the same, and starts by chance', () => {
    const starts = new Set<number | undefined>()
    for (let seed = 0; seed < 50; seed++) {
      const row = picks(weightedRoundRobin({ random: dice(seed) }), weighted([2, 2, 2, 2]), 8)
      assert.deepEqual(counts(row.slice(0, 4), 4), [1, 1, 1, 1])
      assert.deepEqual(row.slice(4), row.slice(0, 4))
      starts.add(row[0])
    }
    assert.equal(starts.size, 4)
  })

  test('is fair to the others while one comes and goes', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 }))), (seed, turns) => {
        const pick = weightedRoundRobin({ random: dice(seed) })
        const all = weighted([3, 1, 2])
        const [left, right] = [0, 1].map((seq) => all[seq] as Worker)
        const seen = [0, 0]
        for (const [isThere, count] of turns) {
          const list = isThere ? all : all.slice(0, 2)
          for (const seq of picks(pick, list, count)) if (seq < 2) seen[seq] = (seen[seq] ?? 0) + 1
        }
        const [three = 0, one = 0] = seen
        assert.ok(left && right)
        assert.ok(Math.abs(three - 3 * one) <= 9, `${three} to ${one}`)
      }),
    )
  })

  test('spreads over the others, about by weight, what fails over from a worker that always fails', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const pick = weightedRoundRobin({ random: dice(seed) })
        const list = weighted([2, 3, 1])
        const [failing] = list
        const others = list.slice(1)
        const picked = Array.from({ length: 1200 }, () => {
          const first = pick(list, somebody)
          return first === failing ? pick(others, somebody)?.seq : first?.seq
        })
        const [none, three = 0] = counts(picked as number[], 3)
        assert.equal(none, 0)
        assert.ok(Math.abs(three - 900) <= 120, String(three)) // picks from fewer take less credit off
      }),
    )
  })

  test('goes by new weights within a round of them, however large the old ones were', () => {
    fc.assert(
      fc.property(seeds, weights, fc.nat(50), (seed, old, before) => {
        const pick = weightedRoundRobin({ random: dice(seed) })
        const list = weighted(old.map((weight) => weight * 1e6))
        picks(pick, list, before)
        const fresh = old.map((_, i) => i + 1)
        for (const [i, weight] of fresh.entries()) setWeight(list[i] as Worker, weight)
        const round = fresh.reduce((sum, weight) => sum + weight)
        const row = counts(picks(pick, list, 10 * round), list.length)
        for (const [i, weight] of fresh.entries())
          assert.ok(Math.abs((row[i] ?? 0) - 10 * weight) <= weight + 2, `${row.join()} for ${fresh.join()}`)
      }),
    )
  })

  test('soon forgets what a worker owed by greater weights, also one that was away when they changed', () => {
    const pick = weightedRoundRobin({ random: dice(3) })
    const all = weighted([1e6, 1e6, 1e6])
    const owing = pick(all, somebody)
    const others = all.filter((worker) => worker !== owing)
    for (const worker of all) setWeight(worker, 1)
    picks(pick, others, 10)
    assert.equal(counts(picks(pick, all, 30), 3).filter((count) => count >= 8 && count <= 12).length, 3)
  })
})
