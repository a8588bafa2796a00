import assert from 'node:assert/strict'
import { until } from './until.ts'

/** What the process has open, by type. */
export function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const type of process.getActiveResourcesInfo()) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

/** Resolves when there is no more of anything than `before`. */
export async function nothingLeft(before: Readonly<Record<string, number>>): Promise<void> {
  const isWithin = (): boolean =>
    Object.entries(resources()).every(([type, count]) => count <= (before[type] ?? 0))
  await until('all is closed', isWithin).catch(() => assert.deepEqual(resources(), before))
}
