import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the machine does when nobody asks anything of it: less than this share of its cores. */
const QUIET = 0.12
/** How long one look lasts, in ms, and how many in a row must be quiet. */
const LOOK = 150
const LOOKS = 2

/**
 * Resolves when other work on the machine pauses, and after `bound` ms in any case: where figures are of CPU time, others
 * on the same cores leave their traces in caches. At once where there is no /proc.
 */
export async function quiet(bound: number): Promise<void> {
  const deadline = performance.now() + bound
  let looks = 0
  while (looks < LOOKS && performance.now() < deadline) {
    const before = ticks()
    await sleep(LOOK)
    const after = ticks()
    if (!before || !after) return
    const all = after.all - before.all
    looks = all - (after.idle - before.idle) < QUIET * all ? looks + 1 : 0
  }
}

/** Clock ticks of all cores so far, and those in which they had nothing to do. */
function ticks(): { all: number; idle: number } | undefined {
  try {
    const [, ...counts] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/)
    const [, , , idle = 0, waiting = 0] = counts.map(Number)
    return { all: counts.map(Number).reduce((sum, count) => sum + count, 0), idle: idle + waiting }
  } catch {
    return undefined
  }
}
