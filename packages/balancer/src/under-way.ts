import { Bag } from './bag.ts'
import type { Carrier } from './tally.ts'

/** A worker's attempts that are not over: those of this process one by one, those of others by their number. */
export class UnderWay<T extends { readonly carrier: Carrier | undefined }> extends Bag<T> {
  #elsewhere = 0
  #idle: PromiseWithResolvers<void> | undefined

  /** How many there are, those elsewhere too. */
  get total(): number {
    return this.size + this.#elsewhere
  }

  /** Notes that so many more are under way in other processes; fewer, if it is negative. */
  addElsewhere(change: number): void {
    this.#elsewhere += change
    this.settle()
  }

  /** Resolves when there are none. */
  idle(): Promise<void> {
    if (this.total === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  /** Tells who waits, if there are none; to be called when one is over. */
  settle(): void {
    if (!this.#idle || this.total > 0) return
    this.#idle.resolve()
    this.#idle = undefined
  }

  /** Destroys what those of this process are carried for. Tells how many there were; other processes cut their own. */
  cut(): number {
    const { total } = this
    for (const { carrier } of this.values()) carrier?.destroy()
    return total
  }

  /** Bytes that they have brought so far. */
  bytes(way: 'received' | 'sent'): number {
    return this.values().reduce((sum, { carrier }) => sum + (carrier?.[way] ?? 0), 0)
  }
}
