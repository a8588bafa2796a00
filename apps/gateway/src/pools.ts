import {
  createPool,
  httpProxy,
  loadBalance,
  type Forwarder,
  type LoadBalance,
  type Pool,
  type PoolOptions,
  type WorkerSpec,
} from '@rondo/balancer'
import { logLiveness } from './access-log.ts'
import type { Config, ForwarderName, PoolConfig } from './config/config.ts'
import { isForTcp } from './config/tcp-config.ts'

/** What nobody has asked to end may go on for as long as a timer can run, in ms: 24 days. */
const LONGEST = 2 ** 31 - 1

/** A pool, and what carries requests to it. */
export interface Running {
  readonly pool: Pool
  /** Undefined for a pool of workers for TCP, and where other processes carry its requests. */
  readonly balance: LoadBalance | undefined
  readonly forwarder: ForwarderName
}

/** Makes the pool of a name. */
export type OpenPool = (workers: readonly WorkerSpec[], options: PoolOptions, name: string) => Pool

/** What pools are made with. */
interface Means {
  readonly open: OpenPool
  /** Undefined where other processes carry requests. */
  readonly forwarders: Record<ForwarderName, () => Forwarder> | undefined
}

/** The forwarders that a config names, made where they are loaded: undici only where it is wanted. */
export async function loadForwarders(config: Config): Promise<Record<ForwarderName, () => Forwarder>> {
  const isWanted = Array.from(config.pools.values()).some(({ forwarder }) => forwarder === 'undici')
  const { undici } = isWanted ? await import('@rondo/balancer/undici') : { undici: httpProxy }
  return { 'http-proxy-middleware': () => httpProxy(), undici: () => undici() }
}

/**
 * The pools of a config: those of the same name as before go on, changed where the config is; connections stay where
 * the forwarder and whom it trusts do. One whose workers were for HTTP and are for TCP now, or the reverse, is another
 * pool. The function that comes with them lets go of what is not wanted any more.
 */
export function openPools(
  config: Config,
  before: { readonly config: Config; readonly running: ReadonlyMap<string, Running> } | undefined,
  { open, forwarders }: Means,
): { pools: Map<string, Running>; letGo: () => void } {
  const { trustedProxies } = config
  const isTrustKept = String(before?.config.trustedProxies) === String(trustedProxies)
  const gone: (() => Promise<unknown>)[] = []
  const kept = new Set<Running>()
  const pools = new Map<string, Running>()
  for (const [name, wanted] of config.pools) {
    const former = before?.running.get(name)
    const old = former?.pool.isTcp === isForTcp(wanted) ? former : undefined
    const pool = old ? changed(old.pool, wanted) : open(wanted.workers, wanted.options, name)
    const { forwarder } = wanted
    if (old) kept.add(old)
    if (pool.isTcp || !forwarders) pools.set(name, { pool, balance: undefined, forwarder })
    else if (old && old.forwarder === forwarder && isTrustKept) pools.set(name, old)
    else {
      const balance = loadBalance(pool, { forwarder: forwarders[forwarder](), trustedProxies })
      pools.set(name, { pool, balance, forwarder })
      if (old) gone.push(async () => old.balance?.close({ timeout: LONGEST }))
    }
  }
  for (const running of before?.running.values() ?? []) {
    if (kept.has(running)) continue
    const { pool, balance } = running
    const { drain } = pool.settings
    gone.push(async () => {
      await balance?.close(drain) // until then, requests may go on to other workers
      await pool.close(drain)
    })
  }
  return { pools, letGo: () => void Promise.all(gone.map((go) => go())) }
}

/** Makes a pool that polls its workers; changes of liveness are logged. */
export const polledPool: OpenPool = (workers, options) => {
  const pool = createPool(workers, options)
  logLiveness(pool)
  return pool
}

function changed(pool: Pool, { workers, options }: PoolConfig): Pool {
  pool.update(workers, options)
  return pool
}
