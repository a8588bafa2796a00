import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { heldProbe, NEVER, settled, workers } from '../../test/support/fakes.ts'
import type { Worker } from '../worker.ts'
import { toHealth, type HealthOptions } from './options.ts'
import { createPoller } from './poller.ts'

/** A poller that watches one worker, and what it says of it. */
function watching(t: TestContext, options: HealthOptions = {}) {
  const [worker] = workers(1) as [Worker]
  const { calls, probe } = heldProbe()
  const verdicts: string[] = []
  const poller = createPoller(toHealth({ schedule: NEVER, probe, ...options }), (worker, alive, reason) => {
    assert.equal(worker.alive, alive, 'the worker knows before the listener is told')
    verdicts.push(`${alive ? 'up' : 'down'}: ${reason}`)
  })
  t.after(() => poller.close())
  const first = poller.watch([worker])

  /** Lets one probe after the other end, well (+) or ill (-). */
  async function probes(results: string): Promise<void> {
    for (const result of results) {
      const polled = poller.poll()
      const call = calls.at(-1)
      if (result === '+') call?.pass()
      else call?.fail(new Error('ill'))
      await polled
    }
  }
  return { worker, poller, calls, verdicts, first, probes }
}

suite('a verdict', () => {
  test('is not there before the first probe has ended', async (t) => {
    const { worker, calls, verdicts } = watching(t)
    await settled()
    assert.equal(calls.length, 1)
    assert.deepEqual([worker.alive, verdicts], [false, []])
  })

  test('is given by the first probe alone, whether good', async (t) => {
    const { worker, verdicts, first, probes } = watching(t, { rise: 5, fall: 5 })
    await probes('+')
    await first
    assert.deepEqual([worker.alive, verdicts], [true, ['up: probe succeeded']])
  })

  test('or bad', async (t) => {
    const { worker, verdicts, first, probes } = watching(t, { rise: 5, fall: 5 })
    await probes('-')
    await first
    assert.deepEqual([worker.alive, verdicts], [false, ['down: ill']])
  })

  test('stands while there are no descriptors left to probe with, which no worker is to blame for', async (t) => {
    const { worker, poller, calls, verdicts, probes } = watching(t)
    await probes('+')
    for (let i = 0; i < 5; i++) {
      const polled = poller.poll()
      calls.at(-1)?.fail(Object.assign(new Error('connect EMFILE 127.0.0.1:3001'), { code: 'EMFILE' }))
      await polled
    }
    assert.deepEqual([worker.alive, verdicts], [true, ['up: probe succeeded']])
    await probes('---')
    assert.equal(worker.alive, false)
  })

  test('falls after three bad probes in a row, and says why', async (t) => {
    const { worker, verdicts, probes } = watching(t)
    await probes('+--')
    assert.equal(worker.alive, true)
    await probes('-')
    assert.equal(worker.alive, false)
    assert.deepEqual(verdicts, ['up: probe succeeded', 'down: ill, 3 probes in a row'])
  })

  test('rises after two good probes in a row', async (t) => {
    const { worker, verdicts, probes } = watching(t)
    await probes('-+')
    assert.equal(worker.alive, false)
    await probes('+')
    assert.equal(worker.alive, true)
    assert.deepEqual(verdicts, ['down: ill', 'up: probe succeeded, 2 probes in a row'])
  })

  test('stays when a probe between contradicts: the count begins anew', async (t) => {
    const { worker, verdicts, probes } = watching(t)
    await probes('+--+--+--+')
    assert.equal(worker.alive, true)
    await probes('---+-+-')
    assert.equal(worker.alive, false)
    assert.equal(verdicts.length, 2)
  })

  test('stays, and is told once, while probes confirm it', async (t) => {
    const { verdicts, probes } = watching(t)
    await probes('-------')
    assert.equal(verdicts.length, 1)
  })

  test('counts afresh after it has changed', async (t) => {
    const { worker, probes } = watching(t, { rise: 3, fall: 2 })
    await probes('+--')
    assert.equal(worker.alive, false)
    await probes('++')
    assert.equal(worker.alive, false)
    await probes('+-')
    assert.equal(worker.alive, true)
    await probes('-')
    assert.equal(worker.alive, false)
  })

  test('follows any row of probes as rise and fall say', async (t) => {
    const rows = fc.array(fc.boolean(), { maxLength: 40 })
    const counts = fc.integer({ min: 1, max: 4 })
    await fc.assert(
      fc.asyncProperty(rows, counts, counts, async (row, rise, fall) => {
        const { worker, poller, probes } = watching(t, { rise, fall })
        let alive: boolean | undefined
        let since: boolean[] = [] // results since the verdict changed
        for (const good of row) {
          await probes(good ? '+' : '-')
          since.push(good)
          const needed = good ? rise : fall
          const against = since.slice(-needed)
          const changes = against.length === needed && against.every((result) => result !== alive)
          if (alive === undefined || changes) [alive, since] = [good, []]
          assert.equal(worker.alive, alive)
        }
        poller.close()
      }),
      { numRuns: 60 },
    )
  })
})

suite('a reason', () => {
  for (const [what, thrown, reason] of [
    ['an error', new Error('no route'), 'no route'],
    ['a string', 'no route', 'no route'],
    ['an error of several addresses', new AggregateError([new Error('one'), new Error('two')]), 'one; two'],
    ['nothing', undefined, 'undefined'],
  ] as const)
    test(`is there when a probe throws ${what}`, async (t) => {
      const { calls, verdicts, first } = watching(t)
      calls[0]?.fail(thrown)
      await first
      assert.deepEqual(verdicts, [`down: ${reason}`])
    })

  test('is there when a probe throws before it has promised anything', async (t) => {
    const { worker, verdicts, first } = watching(t, {
      probe: () => {
        throw new Error('at once')
      },
    })
    await first
    assert.deepEqual([worker.alive, verdicts], [false, ['down: at once']])
  })
})

test('a listener that throws is seen as an uncaught error, and the polling goes on', async (t) => {
  const later = t.mock.method(globalThis, 'queueMicrotask', () => {})
  const [worker] = workers(1) as [Worker]
  const { calls, probe } = heldProbe()
  const poller = createPoller(toHealth({ schedule: NEVER, probe, fall: 1 }), () => {
    throw new Error('listener')
  })
  t.after(() => poller.close())
  const first = poller.watch([worker])
  calls[0]?.pass()
  await first
  assert.equal(worker.alive, true)
  assert.throws(later.mock.calls[0]?.arguments[0] as () => void, /^Error: listener$/)
  const polled = poller.poll()
  calls[1]?.fail(new Error('ill'))
  await polled
  assert.equal(worker.alive, false)
})
