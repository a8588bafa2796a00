import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Recent } from './recent.ts'

function recentOf(durations: Iterable<number>): Recent {
  const recent = new Recent()
  for (const duration of durations) recent.add(duration)
  return recent
}

suite('the quantiles of recent answers', () => {
  test('are none before the first answer', () => {
    assert.equal(new Recent().quantiles(), undefined)
  })

  test('of one answer are that one', () => {
    assert.deepEqual(recentOf([1.5]).quantiles(), { count: 1, p50: 1.5, p90: 1.5, p99: 1.5, max: 1.5 })
  })

  test('are in ms to a thousandth, and show nothing of how they are kept', () => {
    assert.deepEqual(recentOf([0.1, 1234.567]).quantiles(), {
      count: 2,
      p50: 0.1,
      p90: 1234.567,
      p99: 1234.567,
      max: 1234.567,
    })
  })

  test('are of the last 1,024 and no others', () => {
    const hundredOnes = Array.from({ length: 100 }, () => 1)
    const thousand = Array.from({ length: 1024 }, (_, i) => 1024 - i)
    assert.deepEqual(recentOf([9999, ...hundredOnes, ...thousand]).quantiles(), {
      count: 1024,
      p50: 512,
      p90: 922,
      p99: 1014,
      max: 1024,
    })
  })

  test('are values that were there, with so many of the last at or below them', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60_000), { minLength: 1, maxLength: 2500 }), (durations) => {
        const last = durations.slice(-1024)
        const { count, p50, p90, p99, max } = recentOf(durations).quantiles() ?? assert.fail()
        assert.equal(count, last.length)
        assert.equal(max, Math.max(...last))
        for (const [share, value] of [
          [0.5, p50],
          [0.9, p90],
          [0.99, p99],
        ] as const) {
          assert.ok(last.includes(value))
          assert.ok(last.filter((one) => one <= value).length >= count * share)
          assert.ok(last.filter((one) => one < value).length < count * share)
        }
      }),
    )
  })
})
