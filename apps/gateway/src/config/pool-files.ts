import type { Path } from './fault.ts'
import type { ListenerFile } from './listen-schema.ts'
import { poolFields, type PoolFile } from './pool-schema.ts'
import type { File } from './schema.ts'
import { isForTcp, poolsOf } from './tcp-config.ts'

/** The pool that the top level is short for. */
export const DEFAULT_POOL = 'default'

const WORKERS = ['http://localhost:3001', 'http://localhost:3002', 'http://localhost:3003']

/** The pools by name: those of `pools`, and the one that the top level is short for. */
export function poolFilesOf(file: File): Map<string, PoolFile> {
  const { pools = {}, workers, limits } = file
  const all = new Map(Object.entries(pools))
  const isShort = workers !== undefined || all.size === 0
  if (!isShort) return all
  const fields = Object.keys(poolFields) as (keyof typeof poolFields)[]
  return all.set(DEFAULT_POOL, {
    ...Object.fromEntries(fields.map((key) => [key, file[key]])),
    workers: workers ?? WORKERS,
    ...(limits?.body !== undefined && { limits: { body: limits.body } }),
  })
}

/** What is said of a name that none of a file's pools has. */
export function noSuchPool(file: File): string {
  const names = Array.from(poolFilesOf(file).keys(), (name) => JSON.stringify(name))
  return `is no pool; use ${names.join(' or ')}`
}

/** Where a file says what a pool is: `[]` for the one that its top level is short for. */
export function poolPath({ pools }: File, name: string): Path {
  return name === DEFAULT_POOL && pools?.[name] === undefined ? [] : ['pools', name]
}

/** Where HTTP listens: port 80 if nothing is said, and nowhere if all that there is is for TCP. */
export function listenFilesOf(file: File): readonly (string | number | ListenerFile)[] {
  const { listen, tcp = [], routes = [] } = file
  if (listen !== undefined) return [listen].flat()
  const isOfTcp = tcp.some((entry) => poolsOf(entry).includes(DEFAULT_POOL))
  const isForTcpAlone =
    tcp.length > 0 && routes.length === 0 && (isOfTcp || !isDefaultRouted(poolFilesOf(file)))
  return isForTcpAlone ? [] : [80]
}

/** Whether the pool `default` serves what no route takes. */
export function isDefaultRouted(pools: ReadonlyMap<string, PoolFile>): boolean {
  const pool = pools.get(DEFAULT_POOL)
  return pool !== undefined && !isForTcp(pool)
}
