import type { Worker } from '../worker.ts'
import { betterOfTwo, fewerInFlight } from './random-two-choices.ts'
import type { Strategy } from './strategy.ts'

/**
 * Of two workers drawn by chance, the one that will probably answer first: its latency, times the requests in flight
 * with this one, by its weight. Finagle's P2C with peak EWMA: a peak counts at once, and time forgets it, so that no
 * worker starves. Twice the weight is as good as half the latency.
 */
export function leastResponseTime({ random = Math.random }: { random?: () => number } = {}): Strategy {
  const pick = betterOfTwo(random, sooner)
  return function leastResponseTime(eligible) {
    return pick(eligible)
  }
}

/**
 * Whose latency is unknown is compared by what is in flight, and tried first when both have as little: a free pass
 * would let all requests run to it until its first answer.
 */
function sooner(one: Worker, other: Worker): Worker {
  const [ours, theirs] = [one.latency, other.latency]
  if (ours === 0) return fewerInFlight(one, other)
  if (theirs === 0) return fewerInFlight(other, one)
  const cost = (ours * (one.inFlight + 1)) / one.weight
  return (theirs * (other.inFlight + 1)) / other.weight < cost ? other : one
}
