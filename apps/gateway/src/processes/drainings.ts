import type { Pool, Worker } from '@rondo/balancer'
import type { Deed } from '../deeds.ts'

type Drain = Extract<Deed, { do: 'drain' | 'remove' }>

/** So much later a process cuts by its own clock what it was not told to cut, in ms: the leading one has counted it then. */
const SLACK = 5000

/** The longest time that a timer can wait, in ms. */
const LONGEST = 2 ** 31 - 1

/** A drain that is not over yet. */
interface Begun {
  readonly deed: Drain
  readonly worker: Worker | undefined
  /** By `performance.now`. */
  readonly until: number
}

/**
 * The drains of several processes, which end together: the leading one knows when a worker carries nothing more, or its
 * time is over, and tells the others.
 */
export class Drainings {
  /** By pool and worker, the last. */
  readonly #drains = new Map<string, Begun>()

  /** Notes a drain of the worker that a pool has now; what `undrain` ends is forgotten. */
  begin(deed: Deed, pool: Pool | undefined): Begun | undefined {
    if (deed.do === 'update') return undefined
    const key = keyOf(deed.pool, deed.id)
    this.#drains.delete(key)
    if (deed.do === 'undrain') return undefined
    const { timeout = 0 } = { ...pool?.settings.drain, ...deed.options }
    const worker = pool?.workers.find(({ id }) => id === deed.id)
    const begun = { deed, worker, until: performance.now() + timeout }
    if (worker) this.#drains.set(key, begun)
    return begun
  }

  /** What cuts the rest at the end of a drain; undefined where somebody else has the worker's place by now. */
  end(begun: Begun, pool: Pool | undefined): Deed | undefined {
    const { deed, worker } = begun
    const key = keyOf(deed.pool, deed.id)
    if (this.#drains.get(key) === begun) this.#drains.delete(key)
    const now = pool?.workers.find(({ id }) => id === deed.id)
    const isStill = deed.do === 'drain' ? now === worker && now?.draining : !now
    return isStill ? lasting(deed, 1) : undefined
  }

  /** What makes the pools of a process that comes later as these are. */
  deeds(pools: ReadonlyMap<string, Pool>): Deed[] {
    return Array.from(pools).flatMap(([pool, of]) =>
      of
        .stats()
        .workers.filter(({ draining, leaving }) => draining && !leaving)
        .map(({ id }) => {
          const begun = this.#drains.get(keyOf(pool, id))
          return begun ? later(begun) : { do: 'drain', pool, id, options: { timeout: 1, sessions: 'leave' } }
        }),
    )
  }
}

/** A drain as other processes are to do it from now on. */
export function later({ deed, until }: Begun): Deed {
  return lasting(deed, Math.min(Math.max(0, until - performance.now()) + SLACK, LONGEST))
}

function keyOf(pool: string, id: string): string {
  return `${pool} ${id}`
}

function lasting(deed: Drain, timeout: number): Deed {
  return { ...deed, options: { ...deed.options, timeout } }
}
