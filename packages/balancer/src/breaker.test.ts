import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { workers } from '../test/support/fakes.ts'
import { Breaker, toBreaker, type BreakerOptions } from './breaker.ts'
import type { Worker } from './worker.ts'

/** A breaker under a clock that the test turns, and what it says of its one worker. */
function breaking(t: TestContext, options: BreakerOptions = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 1000
  const states: string[] = []
  const breaker = new Breaker(
    toBreaker(options),
    (_worker, state) => states.push(state),
    () => now,
  )
  t.after(() => breaker.close())
  const [worker] = workers(1) as [Worker]
  const pass = (ms: number): void => {
    now += ms
    t.mock.timers.tick(ms)
  }
  const fail = (times: number): void => {
    for (let i = 0; i < times; i++) breaker.ended(worker, 'failed')
  }
  return { breaker, worker, states, pass, fail }
}

suite('a circuit breaker', () => {
  test('opens after so many failures within its time, and pauses the worker', (t) => {
    const { breaker, worker, states, fail } = breaking(t, { failures: 3 })
    fail(2)
    assert.deepEqual([breaker.stateOf(worker), breaker.pauses(worker)], ['closed', false])
    fail(1)
    assert.deepEqual([breaker.stateOf(worker), breaker.pauses(worker)], ['open', true])
    assert.deepEqual(states, ['open'])
  })

  test('counts answers of 500 and above, and none below', (t) => {
    const { breaker, worker } = breaking(t, { failures: 2 })
    for (const outcome of [200, 404, 101, 'client-gone'] as const) breaker.ended(worker, outcome)
    for (const outcome of [500, 404] as const) breaker.ended(worker, outcome)
    assert.equal(breaker.stateOf(worker), 'closed')
    breaker.ended(worker, 503)
    assert.equal(breaker.stateOf(worker), 'open')
  })

  test('forgets failures that are older than its time', (t) => {
    const { breaker, worker, pass, fail } = breaking(t, { failures: 3, within: 1000 })
    fail(2)
    pass(1001)
    fail(2)
    assert.equal(breaker.stateOf(worker), 'closed')
    pass(999)
    fail(1)
    assert.equal(breaker.stateOf(worker), 'open')
  })

  test('lets one attempt through when its rest is over, and no other meanwhile', (t) => {
    const { breaker, worker, pass, fail } = breaking(t, { failures: 1, open: 500 })
    fail(1)
    pass(500)
    assert.deepEqual([breaker.stateOf(worker), breaker.pauses(worker)], ['half-open', false])
    assert.equal(breaker.began(worker), true)
    assert.equal(breaker.pauses(worker), true)
  })

  test('lets another through when that one goes on for as long as the rest, as a WebSocket may', (t) => {
    const { breaker, worker, states, pass, fail } = breaking(t, { failures: 1, open: 500 })
    fail(1)
    pass(500)
    breaker.began(worker)
    pass(499)
    assert.equal(breaker.pauses(worker), true)
    pass(1)
    assert.deepEqual([breaker.stateOf(worker), breaker.pauses(worker)], ['half-open', false])
    breaker.began(worker)
    breaker.ended(worker, 200)
    pass(500)
    assert.deepEqual(states, ['open', 'half-open', 'half-open', 'closed'])
  })

  test('closes when that attempt is well', (t) => {
    const { breaker, worker, states, pass, fail } = breaking(t, { failures: 1, open: 500 })
    fail(1)
    pass(500)
    breaker.began(worker)
    breaker.ended(worker, 200)
    assert.deepEqual([breaker.stateOf(worker), breaker.pauses(worker)], ['closed', false])
    assert.deepEqual(states, ['open', 'half-open', 'closed'])
  })

  test('opens again when it fails, for as long as before', (t) => {
    const { breaker, worker, pass, fail } = breaking(t, { failures: 1, open: 500 })
    fail(1)
    pass(500)
    breaker.began(worker)
    breaker.ended(worker, 502)
    assert.equal(breaker.stateOf(worker), 'open')
    pass(499)
    assert.equal(breaker.pauses(worker), true)
    pass(1)
    assert.equal(breaker.pauses(worker), false)
  })

  test('waits for the next attempt when the client of that one has left', (t) => {
    const { breaker, worker, pass, fail } = breaking(t, { failures: 1, open: 500 })
    fail(1)
    pass(500)
    breaker.began(worker)
    breaker.ended(worker, 'client-gone')
    assert.deepEqual([breaker.stateOf(worker), breaker.pauses(worker)], ['half-open', false])
  })

  test('decides by that attempt alone, not by what began before its rest and ends now', (t) => {
    const { breaker, worker, pass, fail } = breaking(t, { failures: 1, open: 500 })
    fail(1)
    pass(500)
    breaker.ended(worker, 'failed', 501)
    assert.equal(breaker.stateOf(worker), 'half-open')
    breaker.began(worker)
    pass(10)
    for (const outcome of [200, 'failed', 'client-gone'] as const) breaker.ended(worker, outcome, 511)
    assert.deepEqual([breaker.stateOf(worker), breaker.pauses(worker)], ['half-open', true])
    breaker.ended(worker, 200, 10)
    assert.equal(breaker.stateOf(worker), 'closed')
  })

  test('takes no notice of what ends while it is open: it began before', (t) => {
    const { breaker, worker, states, fail } = breaking(t, { failures: 2 })
    fail(9)
    breaker.ended(worker, 200)
    assert.deepEqual([breaker.stateOf(worker), states], ['open', ['open']])
  })

  test('forgets a worker that has left, and its timer', (t) => {
    const { breaker, worker, states, pass, fail } = breaking(t, { failures: 1, open: 500 })
    fail(1)
    breaker.forget(worker)
    pass(1000)
    assert.deepEqual([breaker.stateOf(worker), states], ['closed', ['open']])
  })

  for (const [options, message] of [
    [{ failures: 0 }, 'breaker.failures: 0 is not a count; give a whole number of 1 or more'],
    [{ within: -1 }, /^breaker\.within: -1 is not a duration/],
    [{ open: NaN }, /^breaker\.open: NaN is not a duration/],
  ] as const)
    test(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => toBreaker(options), { name: 'OptionError', message })
    })
})
