import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { dice } from '../../test/support/dice.ts'
import { somebody, weighted, workers } from '../../test/support/fakes.ts'
import type { Worker } from '../worker.ts'
import { leastConnections } from './least-connections.ts'
import { leastResponseTime } from './least-response-time.ts'
import { randomTwoChoices } from './random-two-choices.ts'

const loads = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 5 }), inFlight: fc.nat(12) }), {
  minLength: 2,
  maxLength: 7,
})

/** Workers with these weights, and so many requests in flight. */
function loaded(loads: readonly { weight: number; inFlight: number }[]): Worker[] {
  const list = weighted(loads.map(({ weight }) => weight))
  for (const [i, { inFlight }] of loads.entries()) for (let n = 0; n < inFlight; n++) list[i]?.lease()
  return list
}

const load = ({ inFlight, weight }: Worker): number => inFlight / weight

suite('least connections', () => {
  test('picks one with the fewest in flight for its weight', () => {
    fc.assert(
      fc.property(loads, (loads) => {
        const list = loaded(loads)
        const pick = leastConnections()
        const least = Math.min(...list.map(load))
        for (let i = 0; i < 5; i++) assert.equal(load(pick(list, somebody) as Worker), least)
      }),
    )
  })

  test('lets those that have equally few take turns, by weight', () => {
    const list = loaded([
      { weight: 1, inFlight: 0 },
      { weight: 1, inFlight: 1 },
      { weight: 3, inFlight: 0 },
    ])
    const pick = leastConnections()
    const picked = Array.from({ length: 8 }, () => pick(list, somebody)?.seq)
    assert.equal(picked.filter((seq) => seq === 0).length, 2)
    assert.equal(picked.filter((seq) => seq === 2).length, 6)
    assert.ok(picked.slice(0, 4).includes(0))
  })
})

suite('random two choices', () => {
  test('never picks the most loaded worker', () => {
    fc.assert(
      fc.property(fc.integer(), loads, (seed, loads) => {
        const list = loaded(loads)
        const [worst, next] = list.toSorted((a, b) => load(b) - load(a))
        if (!worst || !next || load(worst) === load(next)) return
        const pick = randomTwoChoices({ random: dice(seed) })
        for (let i = 0; i < 20; i++) assert.notEqual(pick(list, somebody), worst)
      }),
    )
  })

  test('spreads what it picks over all but that one', () => {
    const list = loaded([0, 1, 2, 3].map((inFlight) => ({ weight: 1, inFlight })))
    const pick = randomTwoChoices()
    const picked = new Set(Array.from({ length: 300 }, () => pick(list, somebody)?.seq))
    assert.deepEqual(picked, new Set([0, 1, 2]))
  })
})

suite('least response time', () => {
  /** Two workers that took so long for their last answers, in ms; 0 has given none. */
  function pair(...latencies: readonly [number, number]): { list: Worker[]; wait: (ms: number) => void } {
    let now = 0
    const list = weighted([1, 1], () => now)
    for (const [i, latency] of latencies.entries()) {
      if (latency === 0) continue
      now = 0
      const lease = list[i]?.lease()
      now = latency
      lease?.release(200)
    }
    now = Math.max(...latencies)
    return { list, wait: (ms) => void (now += ms) }
  }

  const pick = leastResponseTime({ random: dice(1) })

  test('picks the faster of two idle workers', () => {
    const { list } = pair(20, 30)
    for (let i = 0; i < 20; i++) assert.equal(pick(list, somebody)?.seq, 0)
  })

  test('counts what is in flight: the faster worker gets as many more as it is faster', () => {
    const { list } = pair(10, 35)
    for (let i = 0; i < 9; i++) pick(list, somebody)?.lease()
    assert.deepEqual(
      list.map(({ inFlight }) => inFlight),
      [7, 2],
    )
  })

  test('counts weight: twice the weight is as good as half the latency', () => {
    let now = 0
    const list = weighted([1, 3], () => now)
    const leases = list.map((worker) => worker.lease())
    now = 10
    leases[0]?.release(200)
    now = 25
    leases[1]?.release(200)
    for (let i = 0; i < 20; i++) assert.equal(pick(list, somebody)?.seq, 1)
  })

  test('tries a worker that has not answered yet, though another is fast', () => {
    for (const list of [pair(1, 0).list, pair(0, 1).list.toReversed()])
      for (let i = 0; i < 20; i++) assert.equal(pick(list, somebody)?.requests, 0)
  })

  test('does not let all requests run to a worker that has not answered yet', () => {
    const { list } = pair(1, 0)
    for (let i = 0; i < 20; i++) pick(list, somebody)?.lease()
    assert.deepEqual(
      list.map(({ inFlight }) => inFlight),
      [10, 10],
    )
  })

  test('comes back to a slow worker when time has passed', () => {
    const { list, wait } = pair(1, 1000)
    assert.equal(pick(list, somebody)?.seq, 0)
    for (let i = 0; i < 200; i++) {
      wait(500)
      const worker = pick(list, somebody)
      const lease = worker?.lease()
      wait(worker?.seq === 0 ? 1 : 1000)
      lease?.release(200)
    }
    const [, slow] = list
    assert.ok(slow && slow.requests > 1 && slow.requests < 10, String(slow?.requests))
  })

  test('is not drawn to a worker that fails fast', () => {
    const { list, wait } = pair(20, 20)
    for (let i = 0; i < 500; i++) {
      const worker = pick(list, somebody)
      const lease = worker?.lease()
      wait(worker?.seq === 1 ? 1 : 20)
      lease?.release(worker?.seq === 1 ? 'failed' : 200)
    }
    const [, failing] = list
    assert.ok(failing && failing.requests < 350, String(failing?.requests)) // about a half
  })

  test('gives everybody something when all are new', () => {
    const list = workers(5)
    for (let i = 0; i < 50; i++) pick(list, somebody)?.lease()
    for (const { inFlight } of list) assert.ok(inFlight >= 5, String(inFlight))
  })
})
