import type { Address } from './address.ts'
import type { Listen, ListenTls, PoolConfig } from './config.ts'
import type { File } from './schema.ts'
import type { TcpFile } from './tcp-schema.ts'

type Spec = string | URL | { readonly url: string | URL }

/** A listener whose connections are carried as they are. It has a pool, or names with theirs. */
export interface TcpListen extends Address {
  /** Who gets its connections; with `sni`, those for all other names. */
  readonly pool?: string | undefined
  /** Pools by the names that clients ask for. */
  readonly sni?: Readonly<Record<string, string>> | undefined
  /** In ms; 0 for no bound, and undefined for the balancer's own. */
  readonly idleTimeout?: number | undefined
  readonly halfCloseTimeout?: number | undefined
  readonly maxConnections: number
  /** Undefined where bytes pass as they come. */
  readonly tls?: ListenTls | undefined
  readonly proxyProtocol?: ProxyProtocol | undefined
}

/** Headers of the PROXY protocol. */
export interface ProxyProtocol {
  /** Whether each connection begins with one. */
  readonly accept: boolean
  /** The version of those that workers get; undefined for none. */
  readonly send?: 'v1' | 'v2' | undefined
}

/** Writes out an entry that was found to be right; `most` is how many connections it has where it does not say. */
export function toTcpListen(
  { idleTimeout, halfCloseTimeout, maxConnections, pool, sni, proxyProtocol }: TcpFile,
  listen: Listen,
  most: number,
): TcpListen {
  const { accept = false, send } = proxyProtocol ?? {}
  return {
    ...listen,
    pool,
    sni,
    idleTimeout,
    halfCloseTimeout,
    maxConnections: maxConnections ?? most,
    proxyProtocol: accept || send ? { accept, send } : undefined,
  }
}

/** The pools that an entry leads to. */
export function poolsOf({ pool, sni = {} }: Pick<TcpListen, 'pool' | 'sni'>): string[] {
  return [pool, ...Object.values(sni)].filter((name) => name !== undefined)
}

/** Whether workers are for TCP, and not for HTTP: they are all of one kind. */
export function isForTcp({ workers: [first = ''] }: { readonly workers: readonly Spec[] }): boolean {
  return /^(tcp|tls):/i.test(String(typeof first === 'object' && 'url' in first ? first.url : first))
}

/** Workers that are sent headers of version 2 get them from probes too, where those come to the same port. */
export function withLocalProbes(pool: PoolConfig, name: string, { tcp = [] }: File): PoolConfig {
  const { health } = pool.options
  const isSent = tcp.some((entry) => entry.proxyProtocol?.send === 'v2' && poolsOf(entry).includes(name))
  if (!isSent || health?.port !== undefined) return pool
  return { ...pool, options: { ...pool.options, health: { ...health, proxyProtocol: 'v2' } } }
}
