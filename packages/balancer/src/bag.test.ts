import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Bag, type Entry } from './bag.ts'

suite('a bag', () => {
  test('holds what was put in and not taken out, in whatever order that is done', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(30)), { maxLength: 100 }), (steps) => {
        const bag = new Bag<number>()
        const entries: Entry<number>[] = []
        const there = new Set<number>()
        for (const step of steps) {
          if (step === null) there.add(entries.push(bag.add(entries.length)) - 1)
          else if (entries[step]) {
            bag.delete(entries[step])
            there.delete(step)
          }
          assert.equal(bag.size, there.size)
          assert.deepEqual(new Set(bag.values()), there)
        }
      }),
    )
  })

  test('may be asked for its things while they go', () => {
    const bag = new Bag<string>()
    const entries = ['a', 'b', 'c'].map((name) => bag.add(name))
    const seen = bag.values().map((name, i) => {
      bag.delete(entries[i] as Entry<string>)
      return name
    })
    assert.deepEqual([seen, bag.size], [['a', 'b', 'c'], 0])
  })
})
