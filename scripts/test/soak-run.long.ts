import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countRunning } from '../soak/children.ts'
import { summary } from '../soak/report.ts'
import { soak } from '../soak/run.ts'

test('a real soak of three seconds loses nothing that could be saved, and leaves no process behind', async () => {
  const soaked = await soak('undici', 3, 4, () => {})
  const told = summary(soaked)
  assert.equal(countRunning(), 0)
  assert.equal(soaked.tally.failed, 0, told)
  assert.ok(soaked.tally.total > 50, told)
  assert.ok(Object.keys(soaked.done).length > 0, told)
  assert.match(told, /^undici\n {2}requests /)
  assert.doesNotMatch(told, /NaN|undefined/)
})
