import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { settled } from '../test/support/fakes.ts'
import { Worker, type Carrier, type Lease, type Outcome } from './worker.ts'

suite('the latency of a worker', () => {
  /** A worker, and how attempts on it end: each takes `ms`, and ends at the time `at` of the clock. */
  function timed(t: TestContext): {
    worker: Worker
    attempt: (at: number, ms: number, outcome?: Outcome) => void
  } {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    const clock = t.mock.method(performance, 'now', () => 0)
    return {
      worker,
      attempt(at, ms, outcome = 200) {
        clock.mock.mockImplementation(() => at - ms)
        const lease = worker.lease()
        clock.mock.mockImplementation(() => at)
        lease.release(outcome)
      },
    }
  }

  test('is 0 before the first answer, then what that took', (t) => {
    const { worker, attempt } = timed(t)
    assert.equal(worker.latency, 0)
    worker.lease()
    assert.equal(worker.latency, 0, 'an attempt in flight tells nothing yet')
    attempt(5000, 120)
    assert.equal(worker.latency, 120)
  })

  test('is the same whatever number of answers says the same', (t) => {
    const { worker, attempt } = timed(t)
    for (let i = 1; i <= 50; i++) attempt(5000 + i * 10, 40)
    assert.ok(Math.abs(worker.latency - 40) < 1e-9)
  })

  test('takes every status that a worker answers into account', (t) => {
    for (const status of [200, 304, 404, 503]) {
      const { worker, attempt } = timed(t)
      attempt(5000, 100, status)
      assert.equal(worker.latency, 100, String(status))
    }
  })

  test('is raised by a failed attempt that took longer, and never lowered by one', (t) => {
    const { worker, attempt } = timed(t)
    attempt(5000, 100)
    attempt(15_000, 1, 'failed')
    assert.equal(worker.latency, 100)
    attempt(25_000, 3000, 'failed')
    assert.equal(worker.latency, 3000)
  })

  test('is left alone by upgrades and by clients that leave, however long they stayed', (t) => {
    for (const outcome of [101, 'client-gone'] as const) {
      const { worker, attempt } = timed(t)
      attempt(4000, 3000, outcome)
      assert.equal(worker.latency, 0)
      attempt(5000, 100)
      attempt(5000, 60_000, outcome)
      attempt(5000, 1, outcome)
      assert.equal(worker.latency, 100)
    }
  })

  test('stays between the fastest and the slowest answer, in whatever order they come', (t) => {
    const answers = fc.array(fc.tuple(fc.nat(30_000), fc.integer({ min: 1, max: 5000 })), { minLength: 1 })
    fc.assert(
      fc.property(answers, (answers) => {
        const { worker, attempt } = timed(t)
        let now = 10_000
        for (const [gap, ms] of answers) attempt((now += gap), ms)
        const times = answers.map(([, ms]) => ms)
        assert.ok(worker.latency >= Math.min(...times) - 1e-6)
        assert.ok(worker.latency <= Math.max(...times) + 1e-6)
      }),
    )
  })
})

suite('a worker is idle', () => {
  test('at once when nothing is in flight', async () => {
    await new Worker('http://localhost:3001', 0, 'worker').idle()
  })

  test('when the last attempt is released, for all who wait', async () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    const [one, other] = [worker.lease(), worker.lease()]
    let told = 0
    for (const wait of [worker.idle(), worker.idle()]) void wait.then(() => told++)
    one.release(200)
    one.release(200)
    await settled()
    assert.equal(told, 0)
    other.release('failed')
    await settled()
    assert.equal(told, 2)
  })

  test('again and again', async () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    for (let i = 0; i < 3; i++) {
      const lease = worker.lease()
      const idle = worker.idle()
      lease.release(200)
      await idle
    }
  })
})

suite('cut', () => {
  test('destroys what the attempts in flight are carried for, and those alone', () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    const cut: string[] = []
    const carrier = (name: string): Carrier => ({ destroy: () => cut.push(name) })
    const over = worker.lease(carrier('over'))
    worker.lease(carrier('one'))
    worker.lease()
    worker.lease(carrier('other'))
    over.release(200)
    assert.equal(worker.cut(), 3)
    assert.deepEqual(new Set(cut), new Set(['one', 'other']))
  })

  test('releases nothing itself: who carries an attempt knows how it ended', () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    worker.lease({ destroy() {} })
    worker.cut()
    assert.equal(worker.inFlight, 1)
  })

  test('copes with attempts that end, and begin, while it is at work', () => {
    const worker = new Worker('http://localhost:3001', 0, 'worker')
    const leases: Lease[] = []
    for (let i = 0; i < 3; i++)
      leases.push(
        worker.lease({
          destroy() {
            for (const lease of leases) lease.release('client-gone')
            worker.lease({ destroy: () => assert.fail('it came later') })
          },
        }),
      )
    assert.equal(worker.cut(), 3)
    assert.equal(worker.inFlight, 3)
  })

  test('of nothing is 0', () => {
    assert.equal(new Worker('http://localhost:3001', 0, 'worker').cut(), 0)
  })
})
