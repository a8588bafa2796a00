import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { dice } from '../../test/support/dice.ts'
import { weighted } from '../../test/support/fakes.ts'
import { setWeight, type Worker } from '../worker.ts'
import { weightedDraw } from './weighted-draw.ts'

const lists = fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 2, maxLength: 9 })

suite('a draw by weight', () => {
  test('is as likely as the weight says', () => {
    fc.assert(
      fc.property(fc.integer(), lists, (seed, weights) => {
        const draw = weightedDraw(dice(seed))
        const list = weighted(weights)
        const seen = weights.map(() => 0)
        for (let i = 0; i < 20_000; i++) {
          const place = draw.one(list)
          seen[place] = (seen[place] ?? 0) + 1
        }
        const total = weights.reduce((sum, weight) => sum + weight)
        for (const [i, weight] of weights.entries()) {
          const off = Math.abs((seen[i] ?? 0) / 20_000 - weight / total)
          assert.ok(off < 0.02, `${seen.join()} for ${weights.join()}`)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('of a second is never the first, though that one have nearly all the weight', () => {
    fc.assert(
      fc.property(fc.integer(), lists, (seed, weights) => {
        const draw = weightedDraw(dice(seed))
        const list = weighted([1e9, ...weights])
        for (let i = 0; i < 50; i++) {
          const first = draw.one(list)
          const second = draw.other(list, first)
          assert.ok(second !== first && list[second])
        }
      }),
    )
  })

  test('of a second has every other equally often, when all weigh the same', () => {
    const draw = weightedDraw(dice(1))
    const list = weighted([2, 2, 2, 2])
    const seen = [0, 0, 0, 0]
    for (let i = 0; i < 30_000; i++) {
      const place = draw.other(list, 1)
      seen[place] = (seen[place] ?? 0) + 1
    }
    assert.equal(seen[1], 0)
    for (const place of [0, 2, 3]) assert.ok(Math.abs((seen[place] ?? 0) - 10_000) < 400, seen.join())
  })

  test('asks chance once for a first, and once more for a second of equals', () => {
    let asked = 0
    const draw = weightedDraw(() => (asked++, 0.5))
    const list = weighted([1, 1, 1])
    draw.other(list, draw.one(list))
    assert.equal(asked, 2)
  })

  test('goes by new weights soon after they changed, in the same list', () => {
    const draw = weightedDraw(dice(1))
    const list = weighted([1, 1, 1])
    draw.one(list)
    setWeight(list[0] as Worker, 98)
    let heavy = 0
    for (let i = 0; i < 1000; i++) if (draw.one(list) === 0) heavy++
    assert.ok(heavy > 950, String(heavy))
  })
})
