import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { allDistinct, Turns } from '../../test/support/turns.ts'
import { poolOf, sickList, somebody, workers } from '../../test/support/fakes.ts'
import type { Worker } from '../worker.ts'
import { roundRobin } from './round-robin.ts'

const sizes = fc.integer({ min: 1, max: 8 })
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Who of up to eight workers is there, or was not yet tried. */
const masks = fc.integer({ min: 0, max: 255 })
const isIn = (mask: number, { seq }: Worker): boolean => ((mask >> seq) & 1) === 1

suite('round robin, as a bare strategy', () => {
  test('starts where chance says, and goes on by seq from there', () => {
    const list = workers(4)
    for (const [random, start] of [
      [0, 0],
      [0.25, 1],
      [0.5, 2],
      [0.999_999, 3],
    ] as const) {
      const pick = roundRobin({ random: () => random })
      const seqs = Array.from({ length: 6 }, () => pick(list, somebody)?.seq)
      assert.deepEqual(
        seqs,
        [0, 1, 2, 3, 4, 5].map((i) => (start + i) % 4),
      )
    }
  })

  test('asks chance once, for the start, and never again', () => {
    let asked = 0
    const pick = roundRobin({ random: () => asked++ })
    const list = workers(5)
    for (let i = 0; i < 9; i++) pick(i % 2 ? list : list.slice(i % 4), somebody)
    assert.equal(asked, 1)
  })

  test('any N picks in a row touch each of N workers once, between two changes of the list', () => {
    const runs = fc.array(fc.tuple(masks, fc.nat(25)), { maxLength: 8 })
    fc.assert(
      fc.property(sizes, chance, runs, (size, start, runs) => {
        const pick = roundRobin({ random: () => start })
        const all = workers(size)
        const turns = new Turns()
        for (const [mask, picks] of runs) {
          const list = all.filter((worker) => isIn(mask, worker))
          for (let n = 0; n < picks && list.length > 0; n++) turns.took(pick(list, somebody), list, list)
        }
      }),
    )
  })

  test('the same holds when requests fail over, each to the next in turn', () => {
    const failures = fc.array(fc.nat(7), { maxLength: 30 })
    fc.assert(
      fc.property(sizes, chance, failures, (size, start, failures) => {
        const pick = roundRobin({ random: () => start })
        const list = workers(size)
        const picks: Worker[] = []
        for (const failing of failures) {
          const tried = new Set<Worker>()
          do {
            const worker = pick(tried.size ? list.filter((one) => !tried.has(one)) : list, somebody)
            assert.ok(worker)
            picks.push(worker)
            tried.add(worker)
          } while (tried.size <= failing && tried.size < size)
        }
        for (let i = 0; i + size <= picks.length; i++) allDistinct(picks.slice(i, i + size))
      }),
    )
  })

  test('whoever leaves, returns or was tried, none is picked twice in a row while another is eligible', () => {
    fc.assert(
      fc.property(sizes, chance, fc.array(masks, { maxLength: 60 }), (size, start, turns) => {
        const pick = roundRobin({ random: () => start })
        const all = workers(size)
        const lists = new Map<number, Worker[]>() // so that a list which comes again is the same array
        let last: Worker | undefined
        for (const mask of turns) {
          const list = lists.get(mask) ?? all.filter((worker) => isIn(mask, worker))
          lists.set(mask, list)
          if (list.length === 0) continue
          const worker = pick(list, somebody)
          if (list.length > 1) assert.notEqual(worker, last)
          last = worker
        }
      }),
    )
  })

  test('two pools that start together need not start alike', () => {
    const list = workers(8)
    const starts = Array.from({ length: 200 }, () => roundRobin()(list, somebody)?.seq)
    assert.ok(new Set(starts).size > 1)
  })
})

/** What may happen to a pool between picks, and the picks. */
const events = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('request' as const), failing: fc.nat(4) }),
    fc.record({ kind: fc.constant('health' as const), sick: masks }),
    fc.record({ kind: fc.constant('concurrent' as const), requests: fc.integer({ min: 2, max: 5 }) }),
    fc.record({ kind: fc.constant('remove' as const), index: fc.nat(7) }),
    fc.record({ kind: fc.constant('add' as const) }),
  ),
  { maxLength: 40 },
)

test('round robin is exact through a pool whose workers fall ill, recover, come and go', async (t) => {
  await fc.assert(
    fc.asyncProperty(sizes, chance, events, async (size, start, events) => {
      const { sick, probe } = sickList()
      const strategy = roundRobin({ random: () => start })
      const pool = poolOf(t, size, { strategy, probe, rise: 1, fall: 1 })
      await pool.ready
      const turns = new Turns()
      let added = 0
      const attempt = (tried: Set<Worker>): boolean => {
        const eligible = pool.workers.filter((worker) => worker.alive)
        const lease = pool.acquire(somebody, tried)
        const untried = eligible.filter((worker) => !tried.has(worker))
        assert.equal(lease === undefined, untried.length === 0)
        if (!lease) return false
        turns.took(lease.worker, untried, eligible)
        tried.add(lease.worker)
        lease.release(200)
        return true
      }
      for (const event of events) {
        if (event.kind === 'request') {
          const tried = new Set<Worker>()
          while (tried.size <= event.failing && attempt(tried));
        } else if (event.kind === 'concurrent') {
          const requests = Array.from({ length: event.requests }, () => new Set<Worker>())
          for (let round = 0; round < 2; round++) for (const tried of requests) attempt(tried)
        } else if (event.kind === 'health') {
          sick.clear()
          for (const worker of pool.workers) if (isIn(event.sick, worker)) sick.add(worker.id)
          await pool.poll()
        } else if (event.kind === 'add') {
          pool.add(`http://localhost:${4000 + added++}`)
          await pool.poll()
        } else {
          const worker = pool.workers[event.index]
          if (worker) void pool.remove(worker.id)
        }
      }
      void pool.close()
    }),
  )
})
