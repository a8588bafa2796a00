import type { Worker } from '../worker.ts'

/**
 * What a strategy keeps of each worker, in the order of the list. It stays with a worker that leaves the list and comes
 * back, and goes with a worker that is gone. Only a list that is another than the last is walked through.
 */
export function along<T>(create: (worker: Worker) => T): (list: readonly Worker[]) => readonly T[] {
  const known = new WeakMap<Worker, T>()
  let last: readonly Worker[] = []
  let kept: readonly T[] = []

  const of = (worker: Worker): T => {
    const old = known.get(worker)
    if (old !== undefined) return old
    const made = create(worker)
    known.set(worker, made)
    return made
  }
  return (list) => {
    if (list !== last) kept = list.map(of)
    last = list
    return kept
  }
}
