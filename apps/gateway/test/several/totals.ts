import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { get } from '../processes.ts'

/** Reads the metrics of a gateway every 100 ms until it is ended, and finds what goes backwards. */
export class Totals {
  /** What went backwards, in words. */
  readonly backwards: string[] = []
  /** How often it read. */
  count = 0
  #before = new Map<string, number>()
  #isOver = false
  readonly #url: string
  readonly #comesAndGoes: RegExp | undefined
  readonly #over: Promise<void>
  #reading: Promise<unknown> = Promise.resolve()

  /**
   * `url` is where `/metrics` is, `comesAndGoes` are series of workers that may leave and come back between two looks:
   * then they begin anew.
   */
  constructor(t: TestContext, url: string, comesAndGoes?: RegExp) {
    this.#url = url
    this.#comesAndGoes = comesAndGoes
    t.after(() => (this.#isOver = true))
    this.#over = this.#run()
  }

  /** Reads once more, now: what is not there any more may begin anew from here. */
  read(): Promise<ReadonlyMap<string, number>> {
    const reading = this.#reading.then(() => this.#read())
    this.#reading = reading.catch(() => {})
    return reading
  }

  /** Ends, and fails if anything went backwards. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#over
    assert.deepEqual(this.backwards, [])
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.read().catch((error: unknown) => {
        if (!this.#isOver) this.backwards.push(`it could not be read: ${String(error)}`)
      })
      await pause(100)
    }
  }

  async #read(): Promise<ReadonlyMap<string, number>> {
    const { body, status } = await get(`${this.#url}/metrics`, { accept: 'application/openmetrics-text' })
    if (status !== 200) throw new Error(`/metrics was answered ${status}`)
    const now = new Map<string, number>()
    for (const [, series = '', value] of body.matchAll(
      /^(\w+_(?:total|count|sum|bucket)(?:\{.*\})?) (\S+)/gm,
    ))
      now.set(series, Number(value))
    for (const [series, value] of now) {
      if (this.#comesAndGoes?.test(series)) continue
      const before = this.#before.get(series) ?? 0
      if (value < before - 1e-9) this.backwards.push(`${series}: ${before} became ${value}`)
    }
    this.#before = now
    this.count++
    return now
  }
}
