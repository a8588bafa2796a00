import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { block } from '../../test/support/block.ts'
import { untilDeadline } from './deadline.ts'

const HERE = import.meta.filename
const never = new AbortController().signal

test('work that ends in time has no fault, and a calm loop did not stall', async () => {
  assert.deepEqual(await untilDeadline(async () => {}, 10_000, never), {
    fault: undefined,
    stalled: false,
    isStarved: false,
  })
})

test('work that never ends is ended at its deadline', async () => {
  const { fault } = await untilDeadline(() => new Promise(() => {}), 50, never)
  assert.equal(fault, 'no answer within 50 ms')
})

test('a stall of half the deadline is seen, also when the work ends before a timer could see it', async () => {
  const { stalled } = await untilDeadline(async () => block(150), 200, never)
  assert.equal(stalled, true)
})

test('and one that is over by then', async () => {
  const { fault, stalled } = await untilDeadline(
    async () => {
      block(600)
      await sleep(1)
      await sleep(1)
    },
    1000,
    never,
  )
  assert.deepEqual([fault, stalled], [undefined, true])
})

test('a stall from before the work began is none of it', async () => {
  block(600)
  const { stalled } = await untilDeadline(async () => {}, 1000, never)
  assert.equal(stalled, false)
})

test('what came while the loop stood still is heard, though the deadline is over', async () => {
  function work(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    function stall(): void {
      stat(HERE).then(() => resolve(), assert.fail)
      block(100)
    }
    setTimeout(setImmediate, 190, stall) // behind a setImmediate timers come first, and what came by I/O second
    return promise
  }
  const { fault } = await untilDeadline(work, 200, never)
  assert.equal(fault, undefined)
})

test('in a loop that always stalls there are turns enough to be heard', async (t) => {
  const busy = { goesOn: true }
  t.after(() => (busy.goesOn = false))
  const stall = (): void => {
    block(60)
    if (busy.goesOn) setImmediate(stall)
  }
  setImmediate(stall)
  const { fault, stalled } = await untilDeadline(
    async () => {
      for (let turns = 0; turns < 3; turns++) await stat(HERE)
    },
    50,
    never,
  )
  assert.deepEqual([fault, stalled], [undefined, true])
})
