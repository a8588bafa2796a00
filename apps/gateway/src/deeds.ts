import type { Drained, DrainOptions, Pool, WorkerSpec } from '@rondo/balancer'

/** What an operator does to a pool: plain data, fit for other processes. */
export type Deed =
  | {
      readonly do: 'drain' | 'remove'
      readonly pool: string
      readonly id: string
      readonly options?: DrainOptions | undefined
    }
  | { readonly do: 'undrain'; readonly pool: string; readonly id: string }
  /** Makes these its workers. */
  | { readonly do: 'update'; readonly pool: string; readonly workers: readonly WorkerSpec[] }

/**
 * Does it to pools; resolves, where a worker is drained, when that is over.
 * @throws OptionError if it cannot be done, for a drain by the promise.
 */
export function perform(pools: ReadonlyMap<string, Pool>, deed: Deed): Promise<Drained> | undefined {
  const pool = pools.get(deed.pool)
  if (!pool) return undefined // it has gone meanwhile
  if (deed.do === 'drain') return pool.drain(deed.id, deed.options)
  if (deed.do === 'remove') return pool.remove(deed.id, deed.options)
  if (deed.do === 'undrain') pool.undrain(deed.id)
  if (deed.do === 'update') pool.update(deed.workers)
  return undefined
}
