import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { RetryAccount, type RetryBudget } from './retry-budget.ts'

const WINDOW = 10

interface Step {
  readonly isRetry: boolean
  /** Time since the step before, in ms. */
  readonly gap: number
}

/** How many retries are granted at one time. */
function granted(account: RetryAccount, now: number, asked = 1000): number {
  let count = 0
  while (count < asked && account.take(now)) count++
  return count
}

function busy(budget: RetryBudget, requests: number, now: number): RetryAccount {
  const account = new RetryAccount(budget)
  for (let i = 0; i < requests; i++) account.request(now)
  return account
}

suite('a retry budget', () => {
  test('grants its share of the requests', () => {
    assert.equal(granted(busy({ ratio: 0.2, floor: 0 }, 100, 5000), 5000), 20)
    assert.equal(granted(busy({ ratio: 1, floor: 0 }, 7, 5000), 5000), 7)
  })

  test('grants no fraction of a retry', () => {
    assert.equal(granted(busy({ ratio: 0.2, floor: 0 }, 4, 5000), 5000), 0)
    assert.equal(granted(busy({ ratio: 0.2, floor: 0 }, 9, 5000), 5000), 1)
    assert.equal(granted(busy({ ratio: 0, floor: 0.25 }, 0, 5000), 5000), 2)
  })

  test('grants its floor a second where there are few requests, and not on top of the share', () => {
    assert.equal(granted(busy({ ratio: 0.2, floor: 3 }, 0, 5000), 5000), 30)
    assert.equal(granted(busy({ ratio: 0.2, floor: 3 }, 100, 5000), 5000), 30)
    assert.equal(granted(busy({ ratio: 0.2, floor: 3 }, 200, 5000), 5000), 40)
  })

  test('of nothing grants nothing', () => {
    assert.equal(granted(busy({ ratio: 0, floor: 0 }, 1000, 5000), 5000), 0)
  })

  test('does not count what it refuses, nor a mere question', () => {
    const account = busy({ ratio: 0, floor: 0.1 }, 0, 0)
    for (let i = 0; i < 5; i++) assert.equal(account.allows(0), true)
    assert.equal(account.take(0), true)
    for (let i = 0; i < 5; i++) assert.equal(account.take(9000), false)
    assert.equal(account.allows(9999), false)
    assert.equal(account.take(10_000), true)
  })
})

suite('the window of a retry budget', () => {
  test('lasts ten seconds of the clock, the running one included', () => {
    const account = busy({ ratio: 0.5, floor: 0 }, 10, 3999)
    assert.equal(account.allows(12_999), true)
    assert.equal(account.allows(13_000), false, 'the requests are out of it')
  })

  test('rolls on second by second: each lets go of its own requests and retries', () => {
    const account = new RetryAccount({ ratio: 0, floor: 1 })
    for (let second = 0; second < 10; second++) assert.equal(account.take(second * 1000 + 500), true)
    assert.equal(account.take(9999), false)
    for (let second = 10; second < 40; second++) {
      assert.equal(account.take(second * 1000), true, `second ${second}`)
      assert.equal(account.take(second * 1000 + 999), false, `second ${second}`)
    }
  })

  for (const gap of [10_000, 10_001, 19_999, 20_000, 100_000, 1e10])
    test(`is empty after ${gap} ms without a call`, () => {
      const account = busy({ ratio: 1, floor: 0 }, 50, 7000)
      assert.equal(granted(account, 7000, 20), 20)
      assert.equal(account.allows(7000 + gap), false)
      account.request(7000 + gap)
      assert.equal(granted(account, 7000 + gap), 1)
    })

  test('may begin at any time of the clock', () => {
    for (const now of [0, 1, 999.9, 123_456_789.5]) {
      const account = busy({ ratio: 0.5, floor: 0 }, 4, now)
      assert.equal(granted(account, now), 2, `at ${now}`)
    }
  })

  // The seconds are those of the clock. So at each retry the bound holds for the running second and the nine before
  // it, as they were then: not for any span of 10 000 ms, and not later, when the requests have passed out of the
  // window and their retries have not yet.
  test('never holds more retries than the share of its requests, or the floor', () => {
    const budgets = fc.record({
      ratio: fc.constantFrom(0, 0.1, 0.2, 0.5, 1),
      floor: fc.constantFrom(0, 0.1, 0.5, 3),
    })
    const gaps = fc.oneof(
      { weight: 6, arbitrary: fc.nat(300) },
      { weight: 2, arbitrary: fc.nat(3000) },
      fc.nat(40_000),
    )
    const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({ isRetry: fc.boolean(), gap: gaps }), {
      maxLength: 300,
      size: 'max',
    })
    fc.assert(
      fc.property(budgets, fc.nat(30_000), steps, (budget, begin, steps) => {
        const account = new RetryAccount(budget)
        const requests: number[] = []
        const retries: number[] = []
        let now = begin
        for (const { isRetry, gap } of steps) {
          now += gap
          const first = Math.floor(now / 1000) - WINDOW + 1
          const inWindow = (seconds: number[]): number => seconds.filter((second) => second >= first).length
          if (!isRetry) {
            account.request(now)
            requests.push(Math.floor(now / 1000))
            continue
          }
          const bound = Math.max(budget.ratio * inWindow(requests), budget.floor * WINDOW)
          const isWithin = inWindow(retries) + 1 <= bound
          assert.equal(account.allows(now), isWithin)
          assert.equal(account.take(now), isWithin, 'what is within is granted too')
          if (isWithin) retries.push(Math.floor(now / 1000))
        }
      }),
    )
  })

  // For every 10 000 ms, wherever they begin: they touch eleven seconds of the clock, which are two windows at most.
  test('of a constant floor grants at most twice as much in any ten seconds', () => {
    const account = new RetryAccount({ ratio: 0, floor: 1 })
    assert.equal(granted(account, 9999), 10)
    assert.equal(granted(account, 10_000), 0)
    assert.equal(granted(account, 18_999), 0)
    assert.equal(granted(account, 19_000), 10)
    assert.equal(granted(account, 19_998), 0)
  })
})
