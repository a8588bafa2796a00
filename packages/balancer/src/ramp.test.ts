import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Ramp } from './ramp.ts'

suite('a ramp', () => {
  test('has a tenth at once, and grows by tenths', () => {
    const ramp = new Ramp(5000, 1000)
    const at = [0, 99, 199, 200, 299, 300, 500, 899, 900, 999].map((ms) => ramp.share(5000 + ms))
    assert.deepEqual(at, [0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.5, 0.8, 0.9, 0.9])
    assert.equal(ramp.share(6000), 1)
  })

  test('stays at the whole when it is over, whatever the clock says', () => {
    const ramp = new Ramp(5000, 1000)
    assert.equal(ramp.share(1e9), 1)
    assert.equal(ramp.share(5000), 1)
  })

  test('has a tenth before it began', () => {
    assert.equal(new Ramp(5000, 1000).share(0), 0.1)
  })

  test('has between a tenth and all of it, in ten figures at most, and never falls', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.double({ min: 0.001, max: 2 ** 31, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 2, noNaN: true })),
        (begun, duration, parts) => {
          const ramp = new Ramp(begun, duration)
          const shares = parts.toSorted((a, b) => a - b).map((part) => ramp.share(begun + part * duration))
          assert.deepEqual(
            shares,
            shares.toSorted((a, b) => a - b),
          )
          for (const share of shares)
            assert.ok([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].includes(share * 10), String(share))
        },
      ),
    )
  })
})
