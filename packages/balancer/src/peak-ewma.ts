/** Over what time it forgets, in ms: after that long an old figure weighs 1/e. As long as Finagle's. */
const DECAY = 10_000

/**
 * A moving average that is sensitive to peaks, as Finagle's load balancer has it: it jumps up to a greater figure,
 * and is drawn down by lesser ones and by time, so that who was slow is tried again.
 * The formula is exp(−Δt/τ), for figures that come at any time (Finagle, `PeakEwma.scala`).
 */
export class PeakEwma {
  #value = 0
  #time = 0

  /** What it is at the time `now`, in ms; 0 before the first figure, and only then (but for hours of silence). */
  at(now: number): number {
    return this.#value === 0 ? 0 : this.#value * Math.exp((this.#time - now) / DECAY)
  }

  observe(now: number, figure: number): void {
    const old = Math.exp((this.#time - now) / DECAY)
    this.#value = Math.max(figure, old * this.#value + (1 - old) * figure)
    this.#time = now
  }

  /** Observes a figure that may raise it and can't lower it: the time until now has not passed for it. */
  hold(now: number, figure: number): void {
    this.#value = Math.max(figure, this.#value)
    this.#time = now
  }
}
