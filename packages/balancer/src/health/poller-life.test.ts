import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { heldProbe, NEVER, settled, workers } from '../../test/support/fakes.ts'
import type { Worker } from '../worker.ts'
import { toHealth, type HealthOptions } from './options.ts'
import { createPoller } from './poller.ts'

function setUp(t: TestContext, options: HealthOptions = {}) {
  const { calls, probe } = heldProbe()
  const verdicts: string[] = []
  const poller = createPoller(toHealth({ schedule: NEVER, probe, ...options }), (worker, alive) => {
    verdicts.push(`${worker.port} ${alive ? 'up' : 'down'}`)
  })
  t.after(() => poller.close())
  return { poller, calls, verdicts, all: workers(3) as [Worker, Worker, Worker] }
}

suite('probes', () => {
  test('go out to all workers at once, and polling waits for the last', async (t) => {
    const { poller, calls, verdicts, all } = setUp(t)
    for (const worker of all) void poller.watch([worker])
    assert.deepEqual(
      calls.map((call) => call.worker),
      all,
    )
    let over = false
    const polled = poller.poll().then(() => (over = true))
    calls[2]?.pass()
    calls[0]?.fail('ill')
    await settled()
    assert.deepEqual(verdicts, ['3003 up', '3001 down'])
    assert.equal(over, false)
    calls[1]?.pass()
    await polled
    assert.deepEqual(verdicts, ['3003 up', '3001 down', '3002 up'])
  })

  test('are out once for each worker: who polls meanwhile waits for that one', async (t) => {
    const { poller, calls, verdicts, all } = setUp(t)
    const first = poller.watch([all[0]])
    const polls = [poller.poll(), poller.poll()]
    assert.equal(calls.length, 1)
    calls[0]?.pass()
    await Promise.all([first, ...polls])
    assert.deepEqual(verdicts, ['3001 up'])
    const next = poller.poll()
    assert.equal(calls.length, 2)
    calls[1]?.pass()
    await next
  })

  test('count once, though several wait for them', async (t) => {
    const { poller, calls, all } = setUp(t, { fall: 2 })
    const first = poller.watch([all[0]])
    calls[0]?.pass()
    await first
    const polls = [poller.poll(), poller.poll(), poller.poll()]
    calls[1]?.fail('ill')
    await Promise.all(polls)
    assert.equal(all[0].alive, true)
  })
})

suite('the deadline', () => {
  test('ends a probe that ignores its signal, and what it says later does not count', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { poller, calls, all } = setUp(t, { timeout: 400, rise: 1 })
    const first = poller.watch([all[0]])
    t.mock.timers.tick(399)
    await turn()
    assert.equal(calls[0]?.signal.aborted, false)
    t.mock.timers.tick(1)
    await turn()
    assert.equal(calls[0]?.signal.aborted, true)
    await first
    assert.equal(all[0].alive, false)

    const second = poller.poll()
    assert.equal(calls.length, 2, 'the one that hangs keeps no other from going out')
    calls[0]?.pass()
    await settled()
    assert.equal(all[0].alive, false)
    calls[1]?.pass()
    await second
    assert.equal(all[0].alive, true)
  })

  test('is the reason that is given, also when the probe has one of its own then', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const reasons: string[] = []
    const obedient: HealthOptions = {
      schedule: NEVER,
      timeout: 250,
      probe: (_worker, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        }),
    }
    const poller = createPoller(toHealth(obedient), (_worker, _alive, reason) => reasons.push(reason))
    t.after(() => poller.close())
    const [worker] = workers(1) as [Worker]
    const first = poller.watch([worker])
    t.mock.timers.tick(250)
    await first
    assert.deepEqual(reasons, ['no answer within 250 ms'])
  })

  test('is default 1 s', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { poller, calls, all } = setUp(t)
    void poller.watch([all[0]])
    t.mock.timers.tick(999)
    await turn()
    assert.equal(calls[0]?.signal.aborted, false)
    t.mock.timers.tick(1)
    await turn()
    assert.equal(calls[0]?.signal.aborted, true)
  })

  test('is over with its probe: a signal is not aborted afterwards', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { poller, calls, all } = setUp(t)
    const first = poller.watch([all[0]])
    calls[0]?.pass()
    await first
    t.mock.timers.tick(5000)
    poller.close()
    assert.equal(calls[0]?.signal.aborted, false)
  })
})

suite('a worker that is let go', () => {
  test('has its probe aborted, and what comes of it does not count', async (t) => {
    const { poller, calls, verdicts, all } = setUp(t)
    const first = poller.watch([all[0]])
    poller.unwatch(all[0])
    assert.equal(calls[0]?.signal.aborted, true)
    await first
    calls[0]?.pass()
    await settled()
    assert.deepEqual([all[0].alive, verdicts], [false, []])
  })

  test('is probed no more, and the others are', async (t) => {
    const { poller, calls, all } = setUp(t)
    for (const worker of all) void poller.watch([worker])
    poller.unwatch(all[1])
    for (const call of calls) call.pass()
    await settled()
    void poller.poll()
    assert.deepEqual(
      calls.slice(3).map((call) => call.worker.port),
      [3001, 3003],
    )
  })

  test('starts afresh when it comes back: an old probe has no say, a first one decides', async (t) => {
    const { poller, calls, verdicts, all } = setUp(t)
    const before = poller.watch([all[0]])
    poller.unwatch(all[0])
    const again = poller.watch([all[0]])
    calls[0]?.pass()
    await before
    await settled()
    assert.deepEqual(verdicts, [])
    calls[1]?.fail('ill')
    await again
    assert.deepEqual(verdicts, ['3001 down'])
  })

  test('was never watched: nothing happens', (t) => {
    const { poller, all } = setUp(t)
    poller.unwatch(all[0])
  })
})

test('closing aborts all probes, ends who waits for them, and nothing is probed afterwards', async (t) => {
  const { poller, calls, verdicts, all } = setUp(t)
  const firsts = all.map((worker) => poller.watch([worker]))
  const polled = poller.poll()
  poller.close()
  assert.deepEqual(
    calls.map((call) => call.signal.aborted),
    [true, true, true],
  )
  await Promise.all([...firsts, polled])
  for (const call of calls) call.pass()
  await poller.poll()
  poller.close()
  assert.deepEqual([calls.length, verdicts], [3, []])
})
