import type { Worker } from '../worker.ts'
import type { Strategy } from './strategy.ts'
import { smoothTurns } from './weighted-round-robin.ts'

/**
 * The worker with the fewest requests in flight for its weight. Those that have equally few take turns by weight, as
 * with nginx's `least_conn`: when little is in flight, that is nearly all of them.
 */
export function leastConnections({ random = Math.random }: { random?: () => number } = {}): Strategy {
  const next = smoothTurns(random)
  let least = 0
  const hasLeast = (worker: Worker): boolean => worker.inFlight / worker.weight === least

  return function leastConnections(eligible) {
    least = Infinity
    for (const { inFlight, weight } of eligible) least = Math.min(least, inFlight / weight)
    return next(eligible, hasLeast)
  }
}
