import { Pool } from './pool.ts'
import type { PoolOptions } from './pool-options.ts'
import type { WorkerSpec } from './worker.ts'

/**
 * A pool of workers that serve the same thing, polled from now on. An app needs no more than this and
 * `loadBalance`: requests that come before the first probes are in wait for them.
 *
 * `settle` is for a pool that has followers in other processes: it is called when a worker begins to drain, and resolves
 * when each of them has had its worker do so, and what it had begun until then has been told to `pool.count`. No drain
 * is over before; it must not reject. Default none: the pool carries all by itself.
 * @throws OptionError for an empty list, a bad or duplicate worker, workers for HTTP beside such for TCP, or a bad option.
 */
export function createPool(
  workers: readonly WorkerSpec[],
  options: PoolOptions = {},
  settle?: () => Promise<unknown>,
): Pool {
  return new Pool(workers, options, { settle })
}

/**
 * A pool that polls nobody: its workers live as `pool.heed` says, which another process's pool of the same workers, the
 * leader, has found out. Requests wait for the first verdicts as they do elsewhere. What it counts is for that pool:
 * `takeCounts` is to be called again and again, for what is not taken is kept. `onCounted` is called when there is
 * something to take, at once and for each change, so it must be cheap; bytes of TCP connections under way tell nobody.
 * @throws OptionError as `createPool` does.
 */
export function createFollower(
  workers: readonly WorkerSpec[],
  options: PoolOptions = {},
  onCounted: () => void = () => {},
): Pool {
  return new Pool(workers, options, { onCounted })
}
