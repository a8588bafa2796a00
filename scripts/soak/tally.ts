import { setTimeout as sleep } from 'node:timers/promises'
import type { Trouble } from './balancer.ts'
import { judge, type Exchange, type Kill, type Kind } from './rules.ts'

/** How long the balancer's own word on a request may be on its way, in ms. */
const WORD = 2000

/** What became of the exchanges. */
export class Tally {
  total = 0
  aborted = 0
  readonly byKind: Partial<Record<Kind, number>> = {}
  /** How many were lost as the rules allow, by cause. */
  readonly losses = new Map<string, number>()
  /** What must not happen, with how often it did. */
  readonly complaints = new Map<string, number>()
  readonly #judging = new Set<Promise<void>>()
  readonly #kills: readonly Kill[]
  readonly #troubles = new Map<string, Trouble>()

  constructor(kills: readonly Kill[]) {
    this.#kills = kills
  }

  get lost(): number {
    return sum(this.losses)
  }

  get failed(): number {
    return sum(this.complaints)
  }

  /** Hears what the balancer knows of a request that did not end as it should. */
  trouble(trouble: Trouble): void {
    this.#troubles.set(trouble.id, trouble)
  }

  complain(text: string): void {
    this.complaints.set(text, (this.complaints.get(text) ?? 0) + 1)
  }

  /** Counts an exchange; one that failed is judged when the balancer has said what it knows of it. */
  count(exchange: Exchange): void {
    this.total++
    this.byKind[exchange.kind] = (this.byKind[exchange.kind] ?? 0) + 1
    const { how } = exchange.ending
    if (how === 'aborted') this.aborted++
    if (how === 'aborted' || how === 'whole') return
    const judged = this.#judge(exchange).finally(() => this.#judging.delete(judged))
    this.#judging.add(judged)
  }

  /** Resolves when all that failed has been judged. */
  async settled(): Promise<void> {
    await Promise.all(this.#judging)
  }

  async #judge(exchange: Exchange): Promise<void> {
    const deadline = performance.now() + WORD
    while (!this.#troubles.has(exchange.id) && performance.now() < deadline) await sleep(20)
    const { allowed, cause } = judge(exchange, this.#troubles.get(exchange.id), this.#kills)
    if (allowed) this.losses.set(cause, (this.losses.get(cause) ?? 0) + 1)
    else this.complain(cause)
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return Array.from(counts.values()).reduce((total, count) => total + count, 0)
}
