/** A thing in a bag, and its place there. */
export interface Entry<T> {
  readonly value: T
  place: number
}

/**
 * Things in no order. What comes and goes with every request is kept in this and not in a Set, which costs a seventh
 * of the requests that could be served.
 */
export class Bag<T> {
  readonly #entries: Entry<T>[] = []

  get size(): number {
    return this.#entries.length
  }

  /** Puts a thing in; what it returns takes it out. */
  add(value: T): Entry<T> {
    const entry = { value, place: this.#entries.length }
    this.#entries.push(entry)
    return entry
  }

  /** Takes a thing out, once: the last one gets its place. */
  delete(entry: Entry<T>): void {
    if (this.#entries[entry.place] !== entry) return
    const last = this.#entries.pop() as Entry<T>
    if (last === entry) return
    this.#entries[entry.place] = last
    last.place = entry.place
  }

  /** What is in it now; stays as it is while things come and go. */
  values(): T[] {
    return this.#entries.map(({ value }) => value)
  }
}
