import type { Worker } from '../worker.ts'

/** Draws places of a list by chance, each as likely as its worker's weight says. */
export interface Draw {
  one(list: readonly Worker[]): number
  /** Another place than `first`, of at least two. */
  other(list: readonly Worker[], first: number): number
}

/** How often another is drawn by weight, before any other will do: one worker may have nearly all the weight. */
const TRIES = 4

/**
 * By Walker's alias method with Vose's table (IEEE Trans. Software Engineering 17(9), 1991): a draw costs the same
 * whatever the length of the list, and allocates nothing. The table is made when the list is another, or when a worker
 * is met whose weight is another.
 */
export function weightedDraw(random: () => number): Draw {
  let last: readonly Worker[] = []
  let table = tableOf(last)

  function one(list: readonly Worker[]): number {
    if (list !== last) table = tableOf((last = list))
    const place = toss(table, random)
    if (list[place]?.weight === table.weights[place]) return place
    table = tableOf(list)
    return toss(table, random)
  }

  function other(list: readonly Worker[], first: number): number {
    for (let tries = 0; tries < TRIES && !table.isEven; tries++) {
      const place = one(list)
      if (place !== first) return place
    }
    return (first + 1 + Math.floor(random() * (list.length - 1))) % list.length
  }

  return { one, other }
}

interface Table {
  readonly weights: Float64Array
  readonly isEven: boolean
  /** By place: the chance to stay there. */
  readonly stays: Float64Array
  /** By place: where to go instead. */
  readonly alias: Uint32Array
}

function toss({ weights, isEven, stays, alias }: Table, random: () => number): number {
  const at = random() * weights.length
  const place = Math.floor(at)
  return isEven || at - place < (stays[place] as number) ? place : (alias[place] as number)
}

function tableOf(list: readonly Worker[]): Table {
  const weights = Float64Array.from(list, ({ weight }) => weight)
  const isEven = weights.every((weight) => weight === weights[0])
  const stays = isEven ? new Float64Array() : weights.map(shareOf(weights))
  const alias = new Uint32Array(stays.length)
  const poor: number[] = []
  const rich: number[] = []
  for (const [place, share] of stays.entries()) (share < 1 ? poor : rich).push(place)
  while (poor.length > 0 && rich.length > 0) {
    const taker = poor.pop() as number
    const giver = rich.at(-1) as number
    alias[taker] = giver
    const left = (stays[giver] as number) - 1 + (stays[taker] as number)
    stays[giver] = left
    if (left < 1) poor.push(rich.pop() as number)
  }
  for (const place of [...poor, ...rich]) stays[place] = 1 // what rounding has left over
  return { weights, isEven, stays, alias }
}

/** A weight as a multiple of the mean weight. */
function shareOf(weights: Float64Array): (weight: number) => number {
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
  return (weight) => weight / mean
}
