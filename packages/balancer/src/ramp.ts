/** In how many steps a share grows, so that strategies need not make their tables of weights anew at every pick. */
const STEPS = 10

/** How much of its weight a worker has that starts slowly: a tenth at first, then in even steps all of it. */
export class Ramp {
  readonly #begun: number
  readonly #duration: number
  #isOver = false

  /** Times in ms, by one clock. */
  constructor(begun: number, duration: number) {
    this.#begun = begun
    this.#duration = duration
  }

  share(now: number): number {
    if (this.#isOver) return 1
    const steps = Math.floor(((now - this.#begun) / this.#duration) * STEPS)
    this.#isOver = steps >= STEPS
    return Math.min(Math.max(steps, 1), STEPS) / STEPS
  }
}
