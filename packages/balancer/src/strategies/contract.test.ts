import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { somebody, workers } from '../../test/support/fakes.ts'
import type { Worker } from '../worker.ts'
import { strategies } from './index.ts'

const ALL = workers(12)

/** Lists as the pool makes them: some of the workers, by `seq`, never none; frozen, so that writing throws. */
const lists = fc
  .subarray(ALL, { minLength: 1 })
  .map((list): readonly Worker[] => Object.freeze(list.toSorted((a, b) => a.seq - b.seq)))

for (const [name, create] of Object.entries(strategies))
  suite(`the strategy ${name}`, () => {
    test('chooses from the list it is given, however lists change from pick to pick', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(lists, fc.integer({ min: 1, max: 5 })), { maxLength: 30 }), (turns) => {
          const pick = create()
          for (const [list, picks] of turns)
            for (let i = 0; i < picks; i++) {
              const worker = pick(list, somebody)
              assert.ok(worker && list.includes(worker), `${worker?.id} is not in the list`)
            }
        }),
      )
    })

    test('chooses the only worker, again and again', () => {
      const pick = create()
      const [only] = ALL
      assert.ok(only)
      const list = [only]
      for (let i = 0; i < 5; i++) assert.equal(pick(list, somebody), only)
      for (let i = 0; i < 5; i++) assert.equal(pick([only], somebody), only)
    })

    test('changes neither the list nor what the workers count', () => {
      const list = workers(5)
      const before = [...list]
      const pick = create()
      for (let i = 0; i < 20; i++) pick(list, somebody)
      assert.deepEqual(list, before)
      for (const worker of list) assert.deepEqual([worker.requests, worker.inFlight], [0, 0])
    })

    test('starves none of several equal workers when many clients ask', () => {
      const pick = create()
      const list = workers(3)
      for (let i = 0; i < 1000; i++) {
        const worker = pick(list, { ip: `192.0.2.${i % 256}` })
        worker?.lease().release(200)
      }
      for (const worker of list) assert.ok(worker.requests > 0, `${worker.id} was never chosen`)
    })

    test('copes with a client whose address is unknown', () => {
      const list = workers(3)
      const worker = create()(list, { ip: undefined })
      assert.ok(worker && list.includes(worker))
    })

    test('remembers nothing across two that were made', () => {
      const list = workers(3)
      const [one, other] = [create(), create()]
      const picked = new Set<Worker | undefined>()
      for (let i = 0; i < 300; i++) {
        picked.add(one(list, { ip: `192.0.2.${i % 256}` }))
        for (let j = 0; j < 2; j++) other(list, somebody)
      }
      assert.equal(picked.size, 3)
    })

    test('chooses a worker that came after it was made, and never one that left', () => {
      const pick = create()
      const before = workers(2)
      for (let i = 0; i < 10; i++) pick(before, somebody)
      const [gone, ...rest] = workers(4)
      const picked = new Set<Worker | undefined>()
      for (let i = 0; i < 1000; i++) picked.add(pick(rest, { ip: `192.0.2.${i % 256}` }))
      assert.deepEqual(
        rest.filter((worker) => !picked.has(worker)),
        [],
      )
      assert.ok(!picked.has(gone))
    })
  })
