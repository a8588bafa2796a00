import { setTimeout as sleep } from 'node:timers/promises'
import type { Launched } from './launch.ts'

/**
 * Asks again and again until the answer is true. `ask` may throw: that is a no.
 * @throws Error that names `what` and the last no, when `bound` ms are over or `process` has ended.
 */
export async function until(
  what: string,
  bound: number,
  process: Launched,
  ask: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + bound
  let why = 'it says no'
  while (performance.now() < deadline) {
    if (process.over !== undefined) throw new Error(`${process.name} ended with ${process.over}`)
    try {
      if (await ask()) return
    } catch (error) {
      why = error instanceof Error ? error.message : String(error)
    }
    await sleep(25)
  }
  throw new Error(`no ${what} within ${bound / 1000} s: ${why}`)
}
