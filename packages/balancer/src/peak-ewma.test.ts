import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { PeakEwma } from './peak-ewma.ts'

const figures = fc.double({ min: 0.001, max: 60_000, noNaN: true })
const gaps = fc.double({ min: 0, max: 60_000, noNaN: true })

suite('a peak EWMA', () => {
  test('is 0 before the first figure, and then that figure', () => {
    const ewma = new PeakEwma()
    assert.equal(ewma.at(5000), 0)
    ewma.observe(5000, 20)
    assert.equal(ewma.at(5000), 20)
  })

  test('jumps up to a peak, and comes down by degrees', () => {
    const ewma = new PeakEwma()
    ewma.observe(0, 10)
    ewma.observe(1000, 500)
    assert.equal(ewma.at(1000), 500)
    ewma.observe(2000, 10)
    const after = ewma.at(2000)
    assert.ok(after > 400 && after < 500, String(after))
  })

  test('falls to 1/e in ten seconds of silence', () => {
    const ewma = new PeakEwma()
    ewma.observe(1000, 100)
    assert.equal(ewma.at(11_000).toFixed(3), (100 / Math.E).toFixed(3))
  })

  test('is never above the greatest figure, and right after one never below it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(gaps, figures), { minLength: 1 }), (observed) => {
        const ewma = new PeakEwma()
        let now = 0
        let greatest = 0
        for (const [gap, figure] of observed) {
          now += gap
          greatest = Math.max(greatest, figure)
          ewma.observe(now, figure)
          assert.ok(ewma.at(now) >= figure && ewma.at(now) <= greatest * 1.000_001)
        }
      }),
    )
  })

  test('stays where it was while what it is told to hold is less', () => {
    const ewma = new PeakEwma()
    ewma.observe(0, 50)
    ewma.hold(20_000, 1)
    assert.equal(ewma.at(20_000), 50)
    ewma.hold(20_000, 60)
    assert.equal(ewma.at(20_000), 60)
  })
})
