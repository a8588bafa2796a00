import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { block } from '../../test/support/block.ts'
import { heldProbe, NEVER, settled, workers } from '../../test/support/fakes.ts'
import { until } from '../../test/support/until.ts'
import type { Worker } from '../worker.ts'
import { toHealth, type HealthOptions } from './options.ts'
import { createPoller } from './poller.ts'

/** A poller of workers that are well so far, for which one bad probe is enough; `stall` blocks half its timeout. */
async function watching(t: TestContext, count = 1, options: HealthOptions = {}) {
  const all = workers(count)
  const { calls, probe } = heldProbe()
  const verdicts: string[] = []
  const poller = createPoller(
    toHealth({ schedule: NEVER, timeout: 400, fall: 1, probe, ...options }),
    (worker, alive, reason) => verdicts.push(`${worker.port} ${alive ? 'up' : 'down'}: ${reason}`),
  )
  t.after(() => poller.close())
  const first = poller.watch(all)
  await until('all are probed', () => calls.length === count)
  for (const call of calls) call.pass()
  await first
  verdicts.length = 0
  calls.length = 0
  const [worker] = all as [Worker]
  return { poller, all, worker, calls, verdicts, stall: () => block(250) }
}

suite('a probe in which the event loop stalled', () => {
  test('is repeated and not counted, and who polls waits until one has counted', async (t) => {
    const { poller, worker, calls, verdicts, stall } = await watching(t)
    let over = false
    const polled = poller.poll().then(() => (over = true))
    const also = poller.poll()
    stall()
    calls[0]?.fail('late')
    await until('it is repeated', () => calls.length > 1)
    assert.deepEqual([worker.alive, poller.last(worker)?.isWell, over], [true, true, false])
    calls[1]?.pass()
    await Promise.all([polled, also])
    assert.deepEqual([verdicts, calls.length], [[], 2])
    const next = poller.poll()
    calls[2]?.fail('ill')
    await next
    assert.deepEqual(verdicts, ['3001 down: ill'])
  })

  test('is repeated when it was good, too', async (t) => {
    const { poller, worker, calls, stall } = await watching(t)
    const before = poller.last(worker)
    const polled = poller.poll()
    stall()
    calls[0]?.pass()
    await until('it is repeated', () => calls.length > 1)
    assert.equal(poller.last(worker), before)
    calls[1]?.pass()
    await polled
    assert.notEqual(poller.last(worker), before)
  })

  test('takes no worker out, however often it comes, as long as its repetition is good', async (t) => {
    const { poller, worker, calls, verdicts, stall } = await watching(t)
    for (let round = 0; round < 3; round++) {
      const polled = poller.poll()
      stall()
      calls.at(-1)?.fail('late')
      const { length } = calls
      await until('it is repeated', () => calls.length > length)
      calls.at(-1)?.pass()
      await polled
    }
    assert.deepEqual([worker.alive, verdicts], [true, []])
  })

  test('is the only one repeated: what ended before the stall has counted', async (t) => {
    const { poller, calls, verdicts, stall } = await watching(t, 3)
    const polled = poller.poll()
    calls[0]?.pass()
    calls[1]?.fail('ill')
    await settled()
    assert.deepEqual(verdicts, ['3002 down: ill'])
    stall()
    calls[2]?.fail('late')
    await until('it is repeated', () => calls.length > 3)
    assert.equal(calls[3]?.worker.port, 3003)
    calls[3]?.pass()
    await polled
    assert.deepEqual([verdicts, calls.length], [['3002 down: ill'], 4])
  })

  test('counts after three repetitions in a row, lest a loop that always stalls learns nothing', async (t) => {
    const { poller, calls, verdicts, stall } = await watching(t)
    const polled = poller.poll()
    for (let probe = 0; probe < 4; probe++) {
      assert.deepEqual(verdicts, [])
      await until('it is repeated', () => calls.length > probe)
      stall()
      calls[probe]?.fail('ill')
    }
    await polled
    assert.deepEqual([verdicts, calls.length], [['3001 down: ill'], 4])
  })

  test('is repeated by the handful', async (t) => {
    const { poller, calls, stall } = await watching(t, 40)
    void poller.poll()
    await until('all are probed', () => calls.length === 40)
    stall()
    for (const call of calls) call.fail('late')
    await settled()
    assert.equal(calls.length, 40 + 16)
  })

  test('is not repeated for a worker that was let go, and what comes of it does not count', async (t) => {
    const { poller, worker, calls, verdicts, stall } = await watching(t)
    const polled = poller.poll()
    stall()
    poller.unwatch(worker)
    await polled
    calls[0]?.fail('late')
    await settled()
    assert.deepEqual([worker.alive, verdicts, calls.length], [true, [], 1])
  })

  test('has no say any more once it is repeated', async (t) => {
    const { poller, worker, calls, verdicts, stall } = await watching(t)
    const polled = poller.poll()
    stall()
    await until('its deadline is over', () => calls.length > 1)
    assert.equal(calls[0]?.signal.aborted, true)
    calls[0]?.fail('late')
    await settled()
    assert.deepEqual([worker.alive, verdicts], [true, []])
    calls[1]?.pass()
    await polled
    assert.deepEqual([worker.alive, verdicts], [true, []])
  })
})

test('a worker that is really dead goes down after the stalls', async (t) => {
  const { poller, worker, calls, verdicts, stall } = await watching(t, 1, { fall: 2 })
  for (let round = 0; round < 2; round++) {
    const polled = poller.poll()
    stall()
    calls.at(-1)?.fail('refused')
    const { length } = calls
    await until('it is repeated', () => calls.length > length)
    calls.at(-1)?.fail('refused')
    await polled
    assert.equal(worker.alive, round === 0)
  }
  assert.deepEqual(verdicts, ['3001 down: refused, 2 probes in a row'])
})
