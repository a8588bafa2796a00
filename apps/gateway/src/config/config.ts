import type { PoolOptions, WorkerSpec } from '@rondo/balancer'
import type { PoolFile } from './pool-schema.ts'
import type { Route } from './route-schema.ts'
import type { File } from './schema.ts'

/** The forwarders by name. */
export type ForwarderName = 'http-proxy-middleware' | 'undici'

/** Where to listen; every address of the machine where there is no host. */
export interface Address {
  readonly host: string | undefined
  readonly port: number
}

export interface PoolConfig {
  readonly workers: readonly WorkerSpec[]
  readonly options: PoolOptions
  readonly forwarder: ForwarderName
}

/** `rondo` is the gateway's own line; the others are morgan's, or JSON. */
export type LogFormat = 'rondo' | 'combined' | 'dev' | 'json' | 'off'

/** What the gateway is to be: a file with its shorthand written out and its defaults filled in. */
export interface Config {
  readonly listen: readonly Address[]
  readonly pools: ReadonlyMap<string, PoolConfig>
  /** In order; the first that matches serves a request. */
  readonly routes: readonly Route[]
  readonly limits: { readonly header: number; readonly connections: number }
  readonly trustedProxies: readonly string[]
  readonly metrics: boolean
  /** `file` is undefined for the standard output. */
  readonly log: { readonly format: LogFormat; readonly file: string | undefined }
  /** In ms. */
  readonly shutdown: number
}

/** The pool that the top level is short for. */
export const DEFAULT_POOL = 'default'

/** Bytes of a head: the browsers' cookies and then some. */
const HEADER = 16_384
/** Each takes memory and a file descriptor, and one more to a worker while it is busy. */
const CONNECTIONS = 10_000

const WORKERS = ['http://localhost:3001', 'http://localhost:3002', 'http://localhost:3003']

/** Writes out a file that was found to be right. */
export function toConfig(file: File): Config {
  const { listen = 80, limits = {}, trustedProxies = [], metrics = 'on', log = {}, shutdown = 30_000 } = file
  const pools = poolFilesOf(file)
  const { format = 'rondo', file: path } = typeof log === 'string' ? { format: log } : log
  return {
    listen: [listen].flat().map(toAddress),
    pools: new Map(Array.from(pools, ([name, pool]) => [name, toPoolConfig(pool)])),
    routes: [...(file.routes ?? []), ...(pools.has(DEFAULT_POOL) ? [{ pool: DEFAULT_POOL }] : [])],
    limits: { header: limits.header ?? HEADER, connections: limits.connections ?? CONNECTIONS },
    trustedProxies,
    metrics: metrics === 'on',
    log: { format, file: path },
    shutdown,
  }
}

/** The pools by name: those of `pools`, and the one that the top level is short for. */
export function poolFilesOf(file: File): Map<string, PoolFile> {
  const { pools = {}, workers, limits } = file
  const all = new Map(Object.entries(pools))
  const isShort = workers !== undefined || all.size === 0
  const { strategy, forwarder, sticky, health, failover, timeouts, keepAlive, drain, breaker, slowStart } =
    file
  if (isShort)
    all.set(DEFAULT_POOL, {
      workers: workers ?? WORKERS,
      strategy,
      forwarder,
      sticky,
      health,
      failover,
      timeouts,
      keepAlive,
      drain,
      breaker,
      slowStart,
      ...(limits?.body !== undefined && { limits: { body: limits.body } }),
    })
  return all
}

/** What the balancer is given for a pool; it checks the values itself. */
export function toPoolConfig({
  workers,
  forwarder = 'http-proxy-middleware',
  sticky,
  ...options
}: PoolFile): PoolConfig {
  return {
    workers: workers as readonly WorkerSpec[],
    forwarder,
    options: withoutUndefined({
      ...options,
      sticky: sticky && withoutUndefined({ ...sticky, maxAge: sticky.maxAge && sticky.maxAge / 1000 }),
    }) as object,
  }
}

/** `8080`, `127.0.0.1:8080` or `[::1]:8080`; undefined for anything else. */
export function readAddress(value: string | number): Address | undefined {
  const [, ipv6, host, port] = /^(?:\[([\da-f:.]+)\]:|([^\s:/[\]]+):)?(\d{1,5})$/i.exec(String(value)) ?? []
  return port === undefined || Number(port) > 65_535 ? undefined : { host: ipv6 ?? host, port: Number(port) }
}

function toAddress(value: string | number): Address {
  return readAddress(value) as Address
}

/** zod leaves `undefined` where a key is not there. */
function withoutUndefined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
