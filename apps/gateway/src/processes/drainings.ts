import type { Pool } from '@rondo/balancer'
import type { Deed } from '../deeds.ts'

type Drain = Extract<Deed, { do: 'drain' | 'remove' }>

/** Who was drained, so that a process that comes later does the same. */
export class Drainings {
  readonly #drains = new Map<string, { readonly deed: Drain; readonly at: number }>()

  note(deed: Deed): void {
    if (deed.do === 'update') return
    const key = `${deed.pool} ${deed.id}`
    if (deed.do === 'drain') this.#drains.set(key, { deed, at: performance.now() })
    else this.#drains.delete(key)
  }

  /** What makes another's pools as these are: sessions stay for as long as there is time left. */
  deeds(pools: ReadonlyMap<string, Pool>): Deed[] {
    return Array.from(pools).flatMap(([name, pool]) =>
      pool
        .stats()
        .workers.filter(({ draining, leaving }) => draining && !leaving)
        .map(({ id }) => {
          const { deed, at = 0 } = this.#drains.get(`${name} ${id}`) ?? {}
          const { timeout = pool.settings.drain.timeout ?? 0, ...options } = deed?.options ?? {}
          const left = Math.max(1, timeout - (performance.now() - at))
          return { do: 'drain', pool: name, id, options: { ...options, timeout: left } } as const
        }),
    )
  }
}
