import { Bag, type Entry } from './bag.ts'

/** What a balancer has under way, until it is closed and the last of it is over. */
export class Active<T extends { destroy(): unknown }> {
  readonly #bag = new Bag<T>()
  #closing: PromiseWithResolvers<void> | undefined

  get size(): number {
    return this.#bag.size
  }

  /** Whether nothing more is to come. */
  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  add(value: T): Entry<T> {
    return this.#bag.add(value)
  }

  /** Takes out what is over. */
  delete(entry: Entry<T>): void {
    this.#bag.delete(entry)
    if (this.#bag.size === 0) this.#closing?.resolve()
  }

  /** Waits until all is over; resolves with how many were not after `timeout` ms, and were destroyed. */
  async close(timeout: number): Promise<{ readonly cut: number }> {
    this.#closing ??= Promise.withResolvers()
    if (this.#bag.size === 0) this.#closing.resolve()
    let cut = 0
    const timer = setTimeout(() => {
      cut = this.#bag.size
      for (const value of this.#bag.values()) value.destroy()
      this.#closing?.resolve()
    }, timeout)
    await this.#closing.promise
    clearTimeout(timer)
    return { cut }
  }
}
