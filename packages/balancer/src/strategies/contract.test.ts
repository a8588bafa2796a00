import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { clientOf, somebody, workers } from '../../test/support/fakes.ts'
import type { Client } from '../client.ts'
import { setWeight, type Lease, type Worker } from '../worker.ts'
import { hash } from './hash.ts'
import { strategies, toStrategy } from './index.ts'

const ALL = workers(12)

/** Lists as the pool makes them: some of the workers, by `seq`, never none; frozen, so that writing throws. */
const lists = fc
  .subarray(ALL, { minLength: 1 })
  .map((list): readonly Worker[] => Object.freeze(list.toSorted((a, b) => a.seq - b.seq)))

const client = (i: number): Client => clientOf({ ip: `192.0.2.${i % 256}`, path: `/${i}` })

/** What may happen to workers between picks, and the picks. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('pick' as const), mask: fc.integer({ min: 1, max: 255 }), ip: fc.nat(9) }),
    fc.record({ kind: fc.constant('release' as const), index: fc.nat(9), failed: fc.boolean() }),
    fc.record({
      kind: fc.constant('weigh' as const),
      seq: fc.nat(7),
      weight: fc.constantFrom(0.01, 1, 3, 1e6),
    }),
  ),
  { maxLength: 80 },
)
/** Chance, and its ends, where an index is easily one too many. */
const chances = fc.constantFrom(
  Math.random,
  () => 0,
  () => 1 - Number.EPSILON / 2,
)

const ALL_BY_NAME: Readonly<Record<string, (typeof strategies)['ip-hash']>> = {
  ...strategies,
  'hash by header': (chance) => hash({ by: 'header', name: 'x-user' }, chance),
  'hash by path': (chance) => hash({ by: 'path' }, chance),
}

for (const [name, create] of Object.entries(ALL_BY_NAME))
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

    test('chooses from the list it is given, whatever weighs, runs and fails, and however chance falls', () => {
      fc.assert(
        fc.property(chances, steps, (random, steps) => {
          const pick = create({ random })
          const all = workers(8)
          const lists = new Map<number, readonly Worker[]>() // so that a list which comes again is the same array
          const leases: Lease[] = []
          for (const step of steps) {
            if (step.kind === 'weigh') setWeight(all[step.seq] as Worker, step.weight)
            else if (step.kind === 'release')
              leases.splice(step.index, 1)[0]?.release(step.failed ? 'failed' : 200)
            else {
              const list = lists.get(step.mask) ?? all.filter(({ seq }) => ((step.mask >> seq) & 1) === 1)
              lists.set(step.mask, list)
              const worker = pick(list, clientOf({ ip: `192.0.2.${step.ip}`, path: `/${step.ip}` }))
              assert.ok(worker && list.includes(worker))
              leases.push(worker.lease())
            }
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
        const worker = pick(list, client(i))
        worker?.lease().release(200)
      }
      for (const worker of list) assert.ok(worker.requests > 0, `${worker.id} was never chosen`)
    })

    test('copes with a client whose address is unknown', () => {
      const list = workers(3)
      const worker = create()(list, clientOf())
      assert.ok(worker && list.includes(worker))
    })

    test('keeps no worker that is gone from being collected', async () => {
      const pick = create()
      const gone = (() => {
        const list = workers(3)
        for (let i = 0; i < 10; i++) pick(list, client(i))
        return list.map((worker) => new WeakRef(worker))
      })()
      pick(workers(3), somebody)
      await setImmediate() // a WeakRef holds what it was made of until the job is over
      collect()
      assert.deepEqual(
        gone.map((ref) => ref.deref()),
        [undefined, undefined, undefined],
      )
    })

    test('remembers nothing across two that were made', () => {
      const list = workers(3)
      const [one, other] = [create(), create()]
      const picked = new Set<Worker | undefined>()
      for (let i = 0; i < 300; i++) {
        picked.add(one(list, client(i)))
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
      for (let i = 0; i < 1000; i++) picked.add(pick(rest, client(i)))
      assert.deepEqual(
        rest.filter((worker) => !picked.has(worker)),
        [],
      )
      assert.ok(!picked.has(gone))
    })
  })

function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
}

suite('a strategy is taken', () => {
  test('by name, every time anew', () => {
    assert.notEqual(toStrategy('ip-hash'), toStrategy('ip-hash'))
  })

  test('as a function, as it is', () => {
    const own = ([first]: readonly Worker[]): Worker | undefined => first
    assert.equal(toStrategy(own), own)
  })

  test('as { hash } with what to hash by, the same as the function makes', () => {
    const list = workers(8)
    const who = clientOf({ headers: { user: 'ada' } })
    const picked = toStrategy({ hash: { by: 'query', name: 'user' } })(list, who)
    assert.equal(picked, hash({ by: 'query', name: 'user' })(list, who))
  })
})
