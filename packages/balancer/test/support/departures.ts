import type { Lease } from '../../src/worker.ts'

/** An attempt that a simulated worker will have finished at `time`, in ms. */
export interface Departure {
  readonly time: number
  readonly lease: Lease
}

/** A binary heap, the earliest on top. */
export class Departures {
  readonly #heap: Departure[] = []

  add(departure: Departure): void {
    const heap = this.#heap
    let at = heap.push(departure) - 1
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if ((heap[parent] as Departure).time <= departure.time) break
      heap[at] = heap[parent] as Departure
      at = parent
    }
    heap[at] = departure
  }

  /** Takes the earliest, if it is before this time. */
  before(time: number): Departure | undefined {
    const heap = this.#heap
    const [first] = heap
    if (!first || first.time > time) return undefined
    const last = heap.pop() as Departure
    if (heap.length > 0) this.#sink(last)
    return first
  }

  #sink(departure: Departure): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Departure).time < (heap[child] as Departure).time)
        child++
      if ((heap[child] as Departure).time >= departure.time) break
      heap[at] = heap[child] as Departure
      at = child
    }
    heap[at] = departure
  }
}
