import type { Worker } from '../worker.ts'
import { along } from './along.ts'
import type { Strategy } from './strategy.ts'

/**
 * Each eligible worker in turn, as often as its weight says, and well spread: of the weights 5, 1 and 1 come the picks
 * a a b a c a a. Smooth weighted round robin as nginx has it (`ngx_http_upstream_round_robin.c`): every pick gives each
 * worker its weight as credit, takes the one with the most, and takes all that was given off that one's credit.
 *
 * Credit belongs to a worker, not to a place in the list, so who comes or goes changes nothing between the others.
 * It begins with a random part of the weight, lest many balancers that start together all start alike.
 */
export function weightedRoundRobin({ random = Math.random }: { random?: () => number } = {}): Strategy {
  const next = smoothTurns(random)
  return function weightedRoundRobin(eligible) {
    return next(eligible)
  }
}

interface Turn {
  readonly worker: Worker
  weight: number
  credit: number
}

/** The same for those of the list that take part, by default all. Whoever does not, waits without gain or loss. */
export function smoothTurns(
  random: () => number,
): (list: readonly Worker[], takesPart?: (worker: Worker) => boolean) => Worker | undefined {
  const turnsOf = along((worker): Turn => {
    const { weight } = worker
    return { worker, weight, credit: random() * weight }
  })
  let last: readonly Turn[] = []
  /** The most that was given in a round since weights changed: lists are shorter for requests that have tried some. */
  let round = 0

  return (list, takesPart) => {
    const turns = turnsOf(list)
    let best: Turn | undefined
    let given = 0
    let total = 0
    let hasChanged = false
    for (const turn of turns) {
      const { weight } = turn.worker
      if (weight !== turn.weight) hasChanged = true
      turn.weight = weight
      total += weight
      if (takesPart?.(turn.worker) === false) continue
      given += weight
      turn.credit += weight
      if (best === undefined || turn.credit > best.credit) best = turn
    }
    if (best) best.credit -= given
    round = hasChanged ? total : Math.max(round, total)
    if (hasChanged || turns !== last) bound(turns, round)
    last = turns
    return best?.worker
  }
}

/** Nobody is owed or owes more than a round: what is left of greater weights would keep small ones waiting for long. */
function bound(turns: readonly Turn[], round: number): void {
  for (const turn of turns) turn.credit = Math.max(-round, Math.min(turn.credit, round))
}
