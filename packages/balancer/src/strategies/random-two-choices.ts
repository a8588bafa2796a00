import type { Worker } from '../worker.ts'
import type { Strategy } from './strategy.ts'
import { weightedDraw } from './weighted-draw.ts'

/**
 * Of two workers drawn by chance, the one with fewer requests in flight for its weight: nearly as even as to ask all,
 * without the herd that runs to whoever looks best (Mitzenmacher, "The Power of Two Choices in Randomized Load
 * Balancing", IEEE TPDS 12(10), 2001). The draw goes by weight, so that it counts when nothing is in flight too.
 */
export function randomTwoChoices({ random = Math.random }: { random?: () => number } = {}): Strategy {
  const pick = betterOfTwo(random, fewerInFlight)
  return function randomTwoChoices(eligible) {
    return pick(eligible)
  }
}

/** The one with fewer in flight for its weight; the first if they have as many. */
export function fewerInFlight(one: Worker, other: Worker): Worker {
  return other.inFlight / other.weight < one.inFlight / one.weight ? other : one
}

/** The better of two that are drawn by chance, in proportion to weight; the only one of a list of one. */
export function betterOfTwo(
  random: () => number,
  better: (one: Worker, other: Worker) => Worker,
): (list: readonly Worker[]) => Worker | undefined {
  const draw = weightedDraw(random)
  return (list) => {
    if (list.length < 2) return list[0]
    const first = draw.one(list)
    const second = draw.other(list, first)
    return better(list[first] as Worker, list[second] as Worker)
  }
}
