import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { lastly } from './lastly.ts'

const EVENTS = ['uncaughtException', 'unhandledRejection', 'warning'] as const

/** Fails the test if anything meanwhile was thrown at the process, or warned of; returns what was so far. */
export function noCrashes(t: TestContext): readonly unknown[] {
  const crashes: unknown[] = []
  const note = (error: unknown): void => void crashes.push(error)
  for (const event of EVENTS) process.on(event, note)
  lastly(t, async () => {
    await new Promise((resolve) => setImmediate(resolve))
    for (const event of EVENTS) process.off(event, note)
    assert.deepEqual(crashes, [])
  })
  return crashes
}
