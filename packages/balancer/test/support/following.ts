import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  createFollower,
  type Lease,
  type Pool,
  type PoolOptions,
  type Verdict,
  type WorkerSpec,
} from '../../src/index.ts'
import { somebody, specs } from './fakes.ts'

/** What goes from one process to another: a copy, as JSON makes it. */
export function sent<T>(data: T): T {
  return JSON.parse(JSON.stringify(data)) as T
}

/** Verdicts that all workers of a pool are well, but those named are not. */
export function verdicts(pool: Pool, ...ill: string[]): Verdict[] {
  return pool.workers.map(({ id, url }) => {
    const alive = !ill.includes(id)
    return { id, url: url.href, alive, reason: alive ? 'well' : 'sick' }
  })
}

/** A follower that is closed when the test is over. Nobody has a verdict yet. */
export function followerOf(
  t: TestContext,
  of: number | readonly WorkerSpec[],
  options: PoolOptions = {},
  onCounted?: () => void,
): Pool {
  const pool = createFollower(typeof of === 'number' ? specs(of) : of, options, onCounted)
  t.after(() => void pool.close({ timeout: 1 }))
  return pool
}

/** The same, with all workers well. */
export async function readyFollower(...args: Parameters<typeof followerOf>): Promise<Pool> {
  const pool = followerOf(...args)
  pool.heed(verdicts(pool))
  await pool.ready
  return pool
}

/** Begins an attempt. */
export function acquire(pool: Pool, carrier?: Carrier): Lease {
  return pool.acquire(somebody, undefined, carrier) ?? assert.fail('nobody was picked')
}

/** What a test carries by hand. */
interface Carrier {
  received: number
  sent: number
  destroy(): void
}
