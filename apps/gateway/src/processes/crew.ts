import type { Config } from '../config/config.ts'
import type { Prepared } from '../listeners.ts'
import type { Order } from './messages.ts'
import { Place } from './place.ts'
import { GoneError, ServingProcess, type Hears } from './serving-process.ts'
import { Shares } from './shares.ts'
import { createStallWatch, EVERY } from './stalls.ts'

/** So long may a process take from its start until it does what it is told, in ms. */
const BEGINNING = 15_000
/** So long is waited for a report of one whose event loop stands still as far as is known, in ms. */
const HASTY = 500
/** One that does not answer is ended before, in ms. */
const WHOLLY = 60_000

/** Whom a crew answers to. */
export interface Lead extends Hears {
  /** What a process that goes by the config is to be told beside it. */
  briefing(): readonly Order[]
  /** It has ended, and nothing more comes of it. */
  onEnd(one: ServingProcess): void
  /** There is no keeping of a place: each process that takes it falls. */
  onFailure(error: Error): void
}

/**
 * The processes that take traffic, and their places. One that cannot follow is ended, and another begins with what is in
 * force.
 */
export class Crew {
  readonly #lead: Lead
  #places: Place[] = []
  readonly #all = new Set<ServingProcess>()
  /** What a process is to go by. */
  #wanted: Config | undefined
  /** Resolves when the last of the turns is over. */
  #lastTurn = Promise.resolve()
  /** Processes that ended and were not told to. */
  falls = 0
  /** Event loops that stood still. */
  stalls = 0
  readonly #shares = new Shares()
  readonly #watch: NodeJS.Timeout

  constructor(lead: Lead) {
    this.#lead = lead
    const findStalls = createStallWatch(() => this.stalls++)
    this.#watch = setInterval(() => {
      findStalls(this.#all)
      this.#deal()
    }, EVERY)
  }

  /** All of them, those that are about to serve and those that are about to end too. */
  get all(): ReadonlySet<ServingProcess> {
    return this.#all
  }

  get serving(): ServingProcess[] {
    return Array.from(this.#all).filter(({ state }) => state === 'serving')
  }

  /** Tells all that have something to go by. */
  tell(order: Order): void {
    for (const one of this.#all) if (one.state !== 'starting') one.tell(order)
  }

  /**
   * Resolves when all have done what they were told until now, and told what they have counted. One that does not answer
   * is not waited for longer than it takes to see that: it takes nothing new either.
   */
  async settle(): Promise<void> {
    await this.#reports()
  }

  /** The same, also for what is told in this turn yet, and of each that does not end meanwhile. */
  async settleWholly(): Promise<void> {
    await Promise.resolve()
    await this.#reports(WHOLLY)
  }

  /** These are the pools of a process that comes from now on; the others know. */
  edit(pools: Config['pools']): void {
    if (this.#wanted) this.#want({ ...this.#wanted, pools })
  }

  /** Has all make ready for a config; at first, begins with it. @throws what one cannot do; nothing is changed then. */
  prepare(config: Config): Promise<Prepared> {
    return this.#places.length === 0 ? this.#begin(config) : this.#prepareAll(config)
  }

  /**
   * Has others take the places, one after the other, each by `inTurn`; those who had them end what they carry within
   * `bound` ms. @throws what hinders one.
   */
  async replace(bound: number, inTurn: (deed: () => Promise<void>) => Promise<void>): Promise<void> {
    for (const place of Array.from(this.#places)) await inTurn(() => place.replace(bound))
  }

  /** Ends all; resolves with whether what they carried ended within `bound` ms, and was not cut. */
  async close(bound: number): Promise<boolean> {
    const ending = Array.from(this.#all).filter(({ state }) => state === 'ending')
    // Their idle connections may wait no longer for a request.
    for (const one of ending) void one.ask({ kind: 'end', bound, idle: 0 }).catch(() => {})
    const wholes = await Promise.all(this.#places.map((place) => place.close(bound)))
    // One that is about to serve too: it may have taken traffic since.
    await Promise.all(Array.from(this.#all, ({ ended }) => ended))
    clearInterval(this.#watch)
    return wholes.every(Boolean)
  }

  async #reports(patience?: number): Promise<void> {
    const all = Array.from(this.#all).filter(({ state }) => state !== 'starting')
    await Promise.allSettled(
      all.map((one) => one.ask({ kind: 'report' }, patience ?? (one.isStalled ? HASTY : undefined))),
    )
  }

  #want(config: Config): void {
    this.#wanted = config
    this.#shares.reset(config)
  }

  #deal(): void {
    this.#shares.deal(this.#all, (one, share) => one.tell({ kind: 'share', share }))
  }

  async #begin(config: Config): Promise<Prepared> {
    this.#want(config)
    this.#places = Array.from({ length: config.processes }, (_, i) => this.#place(i + 1))
    const drop = (): void => {
      for (const place of this.#places) place.kill()
      this.#places = []
    }
    try {
      const [first, ...others] = this.#places
      await first?.start(true) // what hinders it hinders all, and is to be told once
      await Promise.all(others.map((place) => place.start(true)))
    } catch (error) {
      drop()
      throw error
    }
    const take = (): void => {
      for (const one of this.serving) for (const order of this.#lead.briefing()) one.tell(order)
    }
    return { take, drop }
  }

  async #prepareAll(config: Config): Promise<Prepared> {
    const asked: ServingProcess[] = []
    const endTurn = await this.#turn()
    const drop = (): void => {
      for (const one of asked) one.tell({ kind: 'drop' })
      endTurn()
    }
    const ask = async (one: ServingProcess): Promise<void> => {
      asked.push(one)
      await one.ask({ kind: 'prepare', config: forOne(config) }).catch((error: unknown) => {
        one.kill() // it hangs, or is spoilt for an address that it could not have
        if (!(error instanceof GoneError)) throw error
      })
    }
    try {
      const [first, ...others] = this.serving
      if (first) await ask(first)
      const answers = await Promise.allSettled(others.map(ask))
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
    } catch (error) {
      drop()
      throw error
    }
    const take = (): void => {
      try {
        this.#take(config)
      } finally {
        endTurn()
      }
    }
    return { drop, take }
  }

  #take(config: Config): void {
    this.#want(config)
    for (const one of this.serving) one.tell({ kind: 'take', briefing: this.#lead.briefing() })
    this.#deal() // at once: by what the config gives each, one that has more than its part would refuse others
    for (const place of this.#places.splice(config.processes)) void place.leave(config.shutdown)
    while (this.#places.length < config.processes) {
      const place = this.#place(this.#places.length + 1)
      this.#places.push(place)
      void place.start().catch((error: Error) => this.#lead.onFailure(error))
    }
  }

  /** Has a process serve by what is in force. @throws what it throws. */
  async #bringUp(one: ServingProcess): Promise<void> {
    await one.ask({ kind: 'report' }, BEGINNING)
    const endTurn = await this.#turn()
    try {
      await one.ask({ kind: 'prepare', config: forOne(this.#wanted as Config) })
      one.state = 'serving'
      one.tell({ kind: 'take', briefing: [...this.#edits(), ...this.#lead.briefing()] })
    } finally {
      endTurn()
    }
  }

  /** What has become of the pools while a process made ready. */
  #edits(): Order[] {
    return Array.from(this.#wanted?.pools ?? [], ([pool, { workers }]) => ({
      kind: 'deed',
      deed: { do: 'update', pool, workers },
    }))
  }

  /** Resolves when nobody else is between being ready for a config and going by it, with what ends the turn. */
  async #turn(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#lastTurn
    this.#lastTurn = promise
    await before
    return resolve
  }

  #place(number: number): Place {
    return new Place({
      create: () => {
        const one = new ServingProcess(number, this.#lead)
        this.#all.add(one)
        return one
      },
      bringUp: (one) => this.#bringUp(one),
      onEnd: (one, isFall) => {
        this.#all.delete(one)
        if (isFall) this.falls++
        this.#lead.onEnd(one)
      },
      onLoop: (error) => this.#lead.onFailure(error),
    })
  }
}

/** What one of the processes goes by: its part of the limits, and nothing that it does not need. */
function forOne(config: Config): Config {
  const needed = { ...config, admin: undefined, text: '', files: new Map<string, string>(), written: {} }
  return Shares.first(needed, config.processes)
}
