import { isDeepStrictEqual } from 'node:util'
import { Breaker, type BreakerState, type OnBreaker } from './breaker.ts'
import type { Client } from './client.ts'
import type { Drains } from './drain.ts'
import type { Settings } from './pool-options.ts'
import { ramp, type Worker } from './worker.ts'

/**
 * Who gets a request. Eligible is who is alive (the poller says so), not draining (the operator says so) and not
 * paused by the breaker; when that pauses all who are left, it pauses none.
 */
export class Picker {
  #breaker: Breaker | undefined
  #settings: Settings
  readonly #drains: Drains
  readonly #onBreaker: OnBreaker
  #workers: readonly Worker[] = []
  #eligible: readonly Worker[] = []
  /** Whether the breaker would pause all who are left, and so pauses none. */
  #sparesAll = false

  constructor(settings: Settings, drains: Drains, onBreaker: OnBreaker) {
    this.#settings = settings
    this.#drains = drains
    this.#onBreaker = onBreaker
    this.#breaker = settings.breaker && new Breaker(settings.breaker, onBreaker)
  }

  get breaker(): Breaker | undefined {
    return this.#breaker
  }

  /** Of its breaker; `closed` where there is none. */
  stateOf(worker: Worker): BreakerState {
    return this.#breaker?.stateOf(worker) ?? 'closed'
  }

  /** Goes by other settings from now on; a breaker whose options are the same as before keeps what it knows. */
  reconfigure(settings: Settings): void {
    if (!isDeepStrictEqual(settings.breaker, this.#settings.breaker)) {
      this.#breaker?.close()
      this.#breaker = settings.breaker && new Breaker(settings.breaker, this.#onBreaker)
    }
    this.#settings = settings
  }

  get eligible(): readonly Worker[] {
    return this.#eligible
  }

  /** Looks anew who is eligible of these workers; to be called whenever that may have changed. */
  refresh(workers: readonly Worker[]): void {
    this.#workers = workers
    const well = workers.filter((worker) => worker.alive && !worker.draining)
    const willing = this.#breaker ? well.filter((worker) => !this.#breaker?.pauses(worker)) : well
    this.#sparesAll = willing.length === 0
    this.#eligible = Object.freeze(this.#sparesAll ? well : willing)
  }

  /** The worker that a client's session is with if it may have it, else whom the strategy chooses of the eligible. */
  pick(client: Client, tried: ReadonlySet<Worker>): Worker | undefined {
    const mine = this.#settings.sticky?.workerOf(client, this.#workers)
    if (mine && !tried.has(mine) && this.#keepsSessions(mine)) return mine
    const eligible = tried.size === 0 ? this.#eligible : this.#eligible.filter((worker) => !tried.has(worker))
    return eligible.length === 0 ? undefined : this.#settings.strategy(eligible, client)
  }

  /** Has a worker that was found well begin slowly. Of workers that all come back at once, each has an equal share. */
  slowStart(worker: Worker): void {
    const { slowStart } = this.#settings
    if (slowStart !== undefined) ramp(worker, slowStart)
  }

  /** A draining worker keeps its sessions, if the drain says so. */
  #keepsSessions(worker: Worker): boolean {
    if (!worker.alive || (!this.#sparesAll && this.#breaker?.pauses(worker))) return false
    return !worker.draining || this.#drains.keepsSessions(worker)
  }
}
