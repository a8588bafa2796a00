/** Over how many seconds requests and retries are counted. */
const WINDOW = 10

/** How many retries there may be, so that an outage does not multiply the traffic. */
export interface RetryBudget {
  /** Retries as a share of the requests of the last 10 s. Default 0.2. */
  readonly ratio: number
  /** Retries per second that are free for a pool with few requests. Default 3. */
  readonly floor: number
}

/**
 * What is left of a budget (as Finagle's `RetryBudget` keeps it): in the running second and
 * the nine before it as many retries as `ratio` of the requests, or `floor` a second if that is more. Times are in ms, of a clock that never goes back.
 */
export class RetryAccount {
  readonly #requests = new Uint32Array(WINDOW)
  readonly #retries = new Uint32Array(WINDOW)
  readonly #budget: RetryBudget
  #second = 0

  constructor(budget: RetryBudget) {
    this.#budget = budget
  }

  /** Counts a request, not its retries. */
  request(now: number): void {
    const at = this.#at(now)
    this.#requests[at] = (this.#requests[at] as number) + 1
  }

  /** Whether there may be a retry. */
  allows(now: number): boolean {
    this.#at(now)
    const { ratio, floor } = this.#budget
    return sum(this.#retries) + 1 <= Math.max(ratio * sum(this.#requests), floor * WINDOW)
  }

  /** Counts a retry, if there may be one. */
  take(now: number): boolean {
    if (!this.allows(now)) return false
    const at = this.#at(now)
    this.#retries[at] = (this.#retries[at] as number) + 1
    return true
  }

  /** The place of this second, with those that have passed out of the window emptied. */
  #at(now: number): number {
    const second = Math.floor(now / 1000)
    if (second - this.#second >= WINDOW) {
      this.#requests.fill(0)
      this.#retries.fill(0)
    } else
      for (let old = this.#second + 1; old <= second; old++)
        this.#requests[old % WINDOW] = this.#retries[old % WINDOW] = 0
    this.#second = Math.max(this.#second, second)
    return this.#second % WINDOW
  }
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0)
}
