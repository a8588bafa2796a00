import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Sum } from '../src/processes/sum.ts'

const ONE = { id: 'a', url: 'http://a/' }
const OTHER = { id: 'b', url: 'http://b/' }

suite('a sum of counts', () => {
  test('has all numbers of each worker and of the requests, and all figures', () => {
    const sum = new Sum()
    sum.add({
      requests: { total: 1, active: 1 },
      workers: [{ ...ONE, attempts: 1 }],
    })
    sum.add({
      requests: { active: -1, failed: 1 },
      workers: [
        { ...ONE, attempts: 2, outcomes: { '2xx': 1 }, durations: [1.5] },
        { ...OTHER, attempts: 1, outcomes: { failed: 1 }, failures: { connect: 1 } },
      ],
    })
    sum.add({ workers: [{ ...ONE, outcomes: { '2xx': 1, '5xx': 1 }, durations: [2], breaker: 'open' }] })
    const { requests, workers } = sum.take()
    assert.deepEqual(requests, { total: 1, active: 0, failed: 1 })
    const [one, other] = workers ?? []
    assert.deepEqual(one, {
      ...ONE,
      attempts: 3,
      retries: 0,
      received: 0,
      sent: 0,
      outcomes: { '2xx': 2, '5xx': 1 },
      failures: {},
      durations: [1.5, 2],
      connects: [],
      breaker: 'open',
    })
    assert.deepEqual(other, { ...OTHER, attempts: 1, outcomes: { failed: 1 }, failures: { connect: 1 } })
  })

  test('begins anew when it was taken, and keeps workers of one id apart by their URL', () => {
    const sum = new Sum()
    sum.add({ requests: { total: 5 }, workers: [{ ...ONE, attempts: 5 }] })
    sum.take()
    sum.add({ workers: [{ ...ONE, attempts: 1 }] })
    sum.add({ workers: [{ ...ONE, url: 'http://c/', attempts: 2 }] })
    assert.deepEqual(sum.take(), {
      requests: {},
      workers: [
        { ...ONE, attempts: 1 },
        { ...ONE, url: 'http://c/', attempts: 2 },
      ],
    })
  })
})
