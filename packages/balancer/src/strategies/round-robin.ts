import type { Worker } from '../worker.ts'
import type { Strategy } from './strategy.ts'

/**
 * Each eligible worker in turn, by `seq`. It remembers the worker it chose, not an index: whoever comes or goes,
 * the next is the one behind the last, so none is chosen twice in a row while another is eligible.
 * The first is chosen by chance, lest many balancers that start together all start on the same worker.
 */
export function roundRobin({ random = Math.random }: { random?: () => number } = {}): Strategy {
  let list: readonly Worker[] = []
  let index = -1
  let last: number | undefined

  return function roundRobin(eligible) {
    if (eligible === list) index = (index + 1) % eligible.length
    else index = last === undefined ? Math.floor(random() * eligible.length) : indexAfter(eligible, last)
    list = eligible
    const worker = eligible[index]
    last = worker?.seq
    return worker
  }
}

/** Index of the first worker behind `seq`, or of the first of all; binary search. */
function indexAfter(workers: readonly Worker[], seq: number): number {
  let low = 0
  let high = workers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((workers[middle] as Worker).seq <= seq) low = middle + 1
    else high = middle
  }
  return low % workers.length
}
