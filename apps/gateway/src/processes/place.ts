import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../access-log.ts'
import { RefusalError } from './faults.ts'
import type { ServingProcess } from './serving-process.ts'

/** A process that has lived for so long, in ms, did not fall for how it began. */
const SETTLED = 10_000
/** So many in a row that did not are a crash loop. */
const MOST_FALLS = 5
/** Before the next one takes the place, in ms: twice as long with each that falls. */
const BACK_OFF = 100
/** What was told to end may take so much longer than it was given, in ms. */
const GRACE = 2000
/** Idle connections are closed so long before the rest is cut, in ms. */
const SWEEP = 1000

/** How a place gets its processes. */
export interface Recruiting {
  create(): ServingProcess
  /** Has a new process go by the config that is in force, and serve. @throws what it throws. */
  bringUp(one: ServingProcess): Promise<void>
  /** It has ended, and nothing more comes of it. `isFall` if nobody told it to. */
  onEnd(one: ServingProcess, isFall: boolean): void
  /** No process keeps the place. */
  onLoop(error: Error): void
}

/** One of the places of processes that take traffic: when the one that has it falls, another takes it. */
export class Place {
  readonly #recruiting: Recruiting
  #current: ServingProcess | undefined
  /** One that is to take the place. */
  #newcomer: ServingProcess | undefined
  /** Processes in a row that fell before they had settled. */
  #falls = 0
  #isClosed = false
  /** Within what its process is to end what it carries, where the place was given up: one that comes later too. */
  #closing: [bound: number, idle: number] | undefined
  /** Whether another is about to take the place: who falls then needs no other. */
  #isReplacing = false

  constructor(recruiting: Recruiting) {
    this.#recruiting = recruiting
  }

  /**
   * Has a process take the place. @throws RefusalError for what is to be mended, where that is asked for (`isFirst`), and
   * an error for a crash loop.
   */
  async start(isFirst = false): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#current = await this.#create()
        return
      } catch (error) {
        if (error instanceof RefusalError && isFirst) throw error
        await this.#backOff((error as Error).message)
      }
    }
  }

  /**
   * Has another process take the place; the one that has it ends what it carries within `bound` ms.
   * @throws what hinders the other; nothing is changed then.
   */
  async replace(bound: number): Promise<void> {
    const before = this.#current
    if (!before || this.#isClosed) return // another is on its way
    this.#isReplacing = true
    try {
      this.#current = await this.#create()
    } finally {
      this.#isReplacing = false
      // It fell meanwhile, and there is no other.
      if (!this.#current && !this.#isClosed) void this.#recover(`${before.name} has ended`)
    }
    if (!before.hasEnded) void this.#leave(before, bound)
  }

  /** Gives the place up while others go on: its process may end what it carries within `bound` ms. */
  async leave(bound: number): Promise<void> {
    this.#closing = [bound, sparing(bound)]
    this.#isClosed = true
    if (this.#current) await this.#leave(this.#current, bound)
  }

  /** Gives the place up; resolves with whether what its process carried ended within `bound` ms, and was not cut. */
  async close(bound: number): Promise<boolean> {
    this.#isClosed = true
    this.#closing = [bound, 0]
    return this.#current ? this.#end(this.#current, ...this.#closing) : true
  }

  /** Ends the place at once. */
  kill(): void {
    this.#isClosed = true
    this.#current?.kill()
    this.#newcomer?.kill()
  }

  async #create(): Promise<ServingProcess> {
    const one = this.#recruiting.create()
    this.#newcomer = one
    void one.ended.then((how) => this.#onEnd(one, how))
    try {
      await this.#recruiting.bringUp(one)
    } catch (error) {
      const hasFallen = one.hasEnded
      one.state = 'ending'
      one.kill()
      const how = await one.ended
      throw hasFallen ? new Error(`${one.name} ${how} before it could serve`) : error
    } finally {
      this.#newcomer = undefined
    }
    if (this.#closing) void this.#end(one, ...this.#closing) // it has taken traffic since
    return one
  }

  async #leave(one: ServingProcess, bound: number): Promise<void> {
    const isWhole = await this.#end(one, bound, sparing(bound))
    if (!isWhole) say(`${one.name} has ended; what was not over after ${bound / 1000} s was cut`)
  }

  async #end(one: ServingProcess, bound: number, idle: number): Promise<boolean> {
    one.state = 'ending'
    const timer = setTimeout(() => one.kill(), bound + GRACE)
    const isWhole = await one.ask({ kind: 'end', bound, idle }).then(
      (answer) => answer.isWhole ?? false,
      () => false, // it fell, or hangs: then it is killed
    )
    await one.ended
    clearTimeout(timer)
    return isWhole
  }

  #onEnd(one: ServingProcess, how: string): void {
    const isFall = one.state !== 'ending'
    this.#recruiting.onEnd(one, isFall)
    if (!isFall || one !== this.#current) return // `create` tells of those that never served
    this.#current = undefined
    if (performance.now() - one.born >= SETTLED) this.#falls = 0
    if (this.#isReplacing) say(`${one.name} ${how}; another is about to take its place`)
    else void this.#recover(`${one.name} ${how}`)
  }

  async #recover(what: string): Promise<void> {
    try {
      await this.#backOff(what)
      await this.start()
    } catch (error) {
      if (!this.#isClosed) this.#recruiting.onLoop(error as Error)
    }
  }

  /** @throws if there were too many falls. */
  async #backOff(what: string): Promise<void> {
    this.#falls++
    if (this.#falls >= MOST_FALLS)
      throw new Error(
        `${what}: the last of ${MOST_FALLS} in a row that did not live for ${SETTLED / 1000} s; nothing takes its place`,
      )
    const pause = BACK_OFF * 2 ** (this.#falls - 1)
    say(`${what}; another takes its place in ${pause / 1000} s`)
    await sleep(pause)
  }
}

/**
 * How long idle connections may wait for a request, of so many ms that there are: their clients do not know that the
 * process ends.
 */
function sparing(bound: number): number {
  return Math.max(0, bound - SWEEP)
}
