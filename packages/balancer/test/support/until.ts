import { setTimeout as pause } from 'node:timers/promises'

/** Resolves when `condition` holds; rejects, naming it, when it doesn't within `bound` ms. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  bound = 10_000,
): Promise<void> {
  const end = performance.now() + bound
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${bound} ms: ${what}`)
    await pause(5)
  }
}
