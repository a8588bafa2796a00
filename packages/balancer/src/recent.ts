/** So many answers are remembered. */
const SIZE = 1024

/** How long answers took, in ms to a thousandth: of so many, what 50, 90 and 99 % of them took at most, and the longest. */
export interface Quantiles {
  /** Of how many answers these are: 1,024 at most. */
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** How long the last 1,024 answers took: 4 KB from the first of them on, one write for each. */
export class Recent {
  #ring: Float32Array | undefined
  #next = 0
  #isFull = false

  /** Notes an answer that took so many ms. */
  add(duration: number): void {
    this.#ring ??= new Float32Array(SIZE)
    this.#ring[this.#next++] = duration
    if (this.#next < SIZE) return
    this.#next = 0
    this.#isFull = true
  }

  /** Exact, by nearest rank; undefined before the first answer. */
  quantiles(): Quantiles | undefined {
    if (!this.#ring) return undefined
    const sorted = this.#ring.subarray(0, this.#isFull ? SIZE : this.#next).toSorted()
    const count = sorted.length
    const at = (share: number): number =>
      Math.round((sorted[Math.ceil(count * share) - 1] ?? 0) * 1000) / 1000
    return { count, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
  }
}
