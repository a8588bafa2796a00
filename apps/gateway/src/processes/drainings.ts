import type { Pool } from '@rondo/balancer'
import type { Deed } from '../deeds.ts'

type Drain = Extract<Deed, { do: 'drain' | 'remove' }>

/** What nobody cuts by its own clock, in ms: as long as a timer can run. */
const OPEN_END = 2 ** 31 - 1

/**
 * The drains of several processes, which end together: the leading one knows when a worker carries nothing more, or its
 * time is over, and tells the others.
 */
export class Drainings {
  /** Those that are not over yet. */
  readonly #drains = new Map<string, Drain>()

  /** What other processes are to do: a drain lasts until its end is told. */
  begin(deed: Deed): Deed {
    if (deed.do === 'update') return deed
    const key = keyOf(deed)
    if (deed.do === 'drain') this.#drains.set(key, deed)
    else this.#drains.delete(key)
    return deed.do === 'undrain' ? deed : lasting(deed, OPEN_END)
  }

  /** The same at the end of a drain, when what is left is cut; undefined where the worker is not drained any more. */
  end(deed: Drain, pool: Pool | undefined): Deed | undefined {
    const worker = pool?.workers.find(({ id }) => id === deed.id)
    const isStill = deed.do === 'drain' ? worker?.draining : !worker // else somebody of that name came meanwhile
    if (!isStill) return undefined
    this.#drains.delete(keyOf(deed))
    return lasting(deed, 1)
  }

  /** What makes the pools of a process that comes later as these are. */
  deeds(pools: ReadonlyMap<string, Pool>): Deed[] {
    return Array.from(pools).flatMap(([pool, of]) =>
      of
        .stats()
        .workers.filter(({ draining, leaving }) => draining && !leaving)
        .map(({ id }) => {
          const over: Drain = { do: 'drain', pool, id, options: { sessions: 'leave' } }
          return lasting(this.#drains.get(keyOf(over)) ?? over, OPEN_END)
        }),
    )
  }
}

function keyOf({ pool, id }: { readonly pool: string; readonly id: string }): string {
  return `${pool} ${id}`
}

function lasting(deed: Drain, timeout: number): Drain {
  return { ...deed, options: { ...deed.options, timeout } }
}
