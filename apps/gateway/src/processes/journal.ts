import { ftruncateSync, writeSync } from 'node:fs'
import type { Counts } from '@rondo/balancer'
import { say } from '../access-log.ts'
import { showAddress } from '../config/address.ts'
import type { Frontend } from '../frontend.ts'
import type { Note } from './messages.ts'
import { Sum } from './sum.ts'

/** A sign of life at least so often, in ms. */
const BEAT = 250
/** What was counted is summed up so often, in ms, while there is something. */
const SUMMARY = 50
/** The file has so many bytes at most: summaries are held up then, and one will have it all. */
const MOST = 2 ** 20

/** Where summaries go; `sent` is called when one has left this process. */
type Send = (note: Note, sent: () => void) => void

/**
 * What a process counts, for the leading process, which is told of it by summaries. Lest a process that falls takes
 * along what it has counted since, that is written to a file at the end of each turn of its event loop: a request is
 * counted before it is answered. A file wakes nobody; to be told of each request would cost the leading process more
 * than half of what it takes to serve it.
 */
export class Journal {
  /** Undefined where no file can be written. */
  #fd: number | undefined
  readonly #frontend: () => Frontend
  readonly #send: Send
  readonly #sums = new Map<string, Sum>()
  /** What was told of refused connections. */
  readonly #refused = new Map<string, number>()
  /** The number of the next summary. */
  #number = 1
  /** Bytes in the file, and the summary that will have the last line of them. */
  #length = 0
  #last = 0
  #isDue = false
  #timer: NodeJS.Timeout | undefined

  constructor(fd: number | undefined, frontend: () => Frontend, send: Send) {
    this.#fd = fd
    this.#frontend = frontend
    this.#send = send
    setInterval(() => void this.report(0), BEAT).unref()
  }

  /** Something was counted. */
  readonly touch = (): void => {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#write({ summary: this.#number, counts: this.#take() })
      this.#timer ??= setTimeout(() => this.summarize(), SUMMARY)
    })
  }

  /** Sums up, and tells how this process is at the moment; `id` is of the order, 0 for a sign of life. */
  async report(id: number): Promise<void> {
    const { listeners, tcp } = this.#frontend()
    const all = [...listeners, ...tcp].map(
      async ({ address, served }) => [showAddress(address), await served.connections()] as const,
    )
    const connections = Object.fromEntries(await Promise.all(all))
    this.summarize({ id, rss: process.memoryUsage.rss(), connections })
  }

  /** Sums up all that was counted since the last time. */
  summarize(report?: Note['report']): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#take()
    const counts = Object.fromEntries(Array.from(this.#sums, ([name, sum]) => [name, sum.take()]))
    this.#sums.clear()
    const summary = this.#number++
    this.#send({ summary, counts, refused: this.#takeRefused(), ...(report && { report }) }, () => {
      if (this.#last <= summary) this.#clear() // else what came meanwhile is still needed
    })
  }

  #write(note: Note): void {
    if (this.#fd === undefined || this.#length > MOST) return
    this.#last = note.summary
    try {
      this.#length += writeSync(this.#fd, `${JSON.stringify(note)}\n`, this.#length)
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #clear(): void {
    if (this.#fd === undefined) return
    try {
      ftruncateSync(this.#fd)
      this.#length = 0
    } catch (error) {
      this.#giveUp(error)
    }
  }

  /** The disk is full, perhaps: traffic goes on without. */
  #giveUp(error: unknown): void {
    this.#fd = undefined
    say(`warning: this process counts without a journal from now on: ${(error as Error).message}`)
  }

  #take(): Record<string, Counts> {
    const all: Record<string, Counts> = {}
    for (const [name, pool] of this.#frontend().pools) {
      const counts = pool.takeCounts()
      if (!counts) continue
      all[name] = counts
      const sum = this.#sums.get(name) ?? new Sum()
      this.#sums.set(name, sum)
      sum.add(counts)
    }
    return all
  }

  #takeRefused(): Note['refused'] & object {
    const { listeners, tcp } = this.#frontend()
    const refused: Record<string, Record<string, number>> = {}
    for (const { address, served } of [...listeners, ...tcp])
      for (const [kind, count] of served.refusals) {
        const listener = showAddress(address)
        const key = `${listener} ${kind}`
        const more = count - (this.#refused.get(key) ?? 0)
        this.#refused.set(key, count)
        if (more > 0) (refused[listener] ??= {})[kind] = more
      }
    return refused
  }
}
