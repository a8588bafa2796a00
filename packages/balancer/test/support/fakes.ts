import type { TestContext } from 'node:test'
import type { Client } from '../../src/client.ts'
import type { HealthOptions } from '../../src/health/options.ts'
import type { Probe } from '../../src/health/probe.ts'
import { createPool } from '../../src/create-pool.ts'
import type { Pool } from '../../src/pool.ts'
import type { PoolOptions } from '../../src/pool-options.ts'
import { Worker, type WorkerSpec } from '../../src/worker.ts'

/** A schedule whose ticks no test lives to see: its pools are polled by hand. */
export const NEVER = '0 0 0 1 1 *'

/** A client of whom nothing is known but what is said here. */
export function clientOf({ ip, path = '/', headers = {}, isSecure = false }: Known = {}): Client {
  const of = (name: string): string | undefined => headers[name]
  return { ip, path, isSecure, header: of, cookie: of, query: of }
}

interface Known {
  readonly ip?: string | undefined
  readonly path?: string
  readonly isSecure?: boolean
  /** By name; cookies and the query have the same. */
  readonly headers?: Readonly<Record<string, string>>
}

export const somebody: Client = clientOf({ ip: '192.0.2.1' })

/** Workers with `seq` 0 to `count` − 1, at ports from 3001. They belong to no pool. */
export function workers(count: number): Worker[] {
  return Array.from(
    { length: count },
    (_, seq) => new Worker(`http://localhost:${3001 + seq}`, seq, 'worker'),
  )
}

/** The same with these weights, by their `seq`. */
export function weighted(weights: readonly number[], now?: () => number): Worker[] {
  return weights.map(
    (weight, seq) => new Worker({ url: `http://localhost:${3001 + seq}`, weight }, seq, 'worker', now),
  )
}

/** The specs of such workers. */
export function specs(count: number): WorkerSpec[] {
  return workers(count).map(({ url }) => url)
}

/** A probe by a list of the sick: who is in it by id fails, who isn't is well. */
export function sickList(): { readonly sick: Set<string>; readonly probe: Probe } {
  const sick = new Set<string>()
  const probe: Probe = async ({ id }) => {
    if (sick.has(id)) throw new Error('sick')
  }
  return { sick, probe }
}

/** One probe that is out, and how it shall end. */
export interface Call {
  readonly worker: Worker
  readonly signal: AbortSignal
  pass(): void
  fail(error: unknown): void
}

/** A probe that ends only when the test says so, and pays its signal no heed. */
export function heldProbe(): { readonly calls: Call[]; readonly probe: Probe } {
  const calls: Call[] = []
  const probe: Probe = (worker, signal) =>
    new Promise((pass, fail) => void calls.push({ worker, signal, pass, fail }))
  return { calls, probe }
}

interface Made extends Omit<PoolOptions, 'health'>, HealthOptions {}

/** A pool that is polled by hand, all well if nothing else is said, and closed when the test is over. */
export function poolOf(t: TestContext, of: number | readonly WorkerSpec[], options: Made = {}): Pool {
  const { strategy, failover, timeouts, keepAlive, drain, sticky, breaker, slowStart, ...health } = options
  const pool = createPool(typeof of === 'number' ? specs(of) : of, {
    ...(strategy && { strategy }),
    ...(failover && { failover }),
    ...(timeouts && { timeouts }),
    ...(keepAlive && { keepAlive }),
    ...(drain && { drain }),
    ...(sticky && { sticky }),
    ...(breaker && { breaker }),
    ...(slowStart !== undefined && { slowStart }),
    health: { schedule: NEVER, probe: async () => {}, ...health },
  })
  t.after(() => void pool.close({ timeout: 1 }))
  return pool
}

/** Lets everything happen that waits for promises alone. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}
