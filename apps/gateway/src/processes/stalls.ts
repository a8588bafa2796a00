import { say } from '../access-log.ts'
import { STALLED } from '../own-stalls.ts'
import type { ServingProcess } from './serving-process.ts'

/** One that does not for so long never will: it is ended, and another takes its place. */
const LOST = 30_000
/** How often they are looked at, in ms. */
export const EVERY = 250

/**
 * Looks for event loops that stand still: what no client gets an answer from is to be seen in the log. To be called
 * every `EVERY` ms.
 */
export function createStallWatch(onStall: () => void): (processes: Iterable<ServingProcess>) => void {
  let last = performance.now()
  return (processes) => {
    const now = performance.now()
    // Where this process itself stood still, signs of life may wait to be read.
    const late = Math.max(0, now - last - EVERY)
    last = now
    for (const one of processes) {
      if (one.hasEnded) continue // it is silent for good, and what it wrote is still being read
      // What starts has a bound of its own.
      one.heard = one.state === 'starting' ? now : one.heard + late
      judge(one, now - one.heard, onStall)
    }
  }
}

function judge(one: ServingProcess, silence: number, onStall: () => void): void {
  const who = one.name
  const time = `${(silence / 1000).toFixed(1)} s`
  if (silence >= LOST) {
    say(`${who} is ended: its event loop has stood still for ${time}`)
    one.kill()
  } else if (silence >= STALLED && !one.isStalled) {
    one.isStalled = true
    one.stalls++
    onStall()
    say(`${who} does not answer: its event loop has stood still for ${time}`)
  } else if (silence < STALLED && one.isStalled) {
    one.isStalled = false
    say(`${who} answers again`)
  }
}
