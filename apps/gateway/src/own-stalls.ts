import { say } from './access-log.ts'

/** An event loop that stands still for so long, in ms, is worth a line in the log: nobody got an answer meanwhile. */
export const STALLED = 1000
/** How often it is looked at, in ms. */
const EVERY = 250

/** Counts how often the event loop of this process has stood still, and says so when it goes on. */
export class OwnStalls {
  count = 0
  #last = performance.now()
  readonly #timer = setInterval(() => this.#look(), EVERY).unref()

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const late = performance.now() - this.#last - EVERY
    this.#last = performance.now()
    if (late < STALLED) return
    this.count++
    say(`the event loop stood still for ${(late / 1000).toFixed(1)} s`)
  }
}
