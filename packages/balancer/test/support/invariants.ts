import assert from 'node:assert/strict'
import type { Pool } from '../../src/index.ts'
import { until } from './until.ts'

/** How many listeners `invariants` leaves with the pool that it watches. */
export const INVARIANT_LISTENERS = 2

/**
 * Watches a pool from its beginning. What it returns is called when the balancer is closed, and fails if an attempt was
 * never released, if one was begun that no request accounts for, or if a pool whose probes all succeed (`isSteady`)
 * ever took a worker out: no traffic may.
 */
export function invariants(pool: Pool, isSteady: boolean): () => Promise<void> {
  const workers = new Set(pool.workers)
  const downs: string[] = []
  pool.on('added', (worker) => workers.add(worker))
  pool.on('down', ({ id }, reason) => downs.push(`${id} is down: ${reason}`))

  return async () => {
    const { metrics } = pool
    await until('no request is active', () => metrics.active === 0)
    const inFlight = Array.from(workers, ({ id, inFlight }) => [id, inFlight] as const)
    assert.deepEqual(
      inFlight.filter(([, count]) => count > 0),
      [],
      'attempts that were never released',
    )
    let attempts = 0
    let over = 0
    for (const { requests, outcomes, failures } of workers) {
      attempts += requests
      over += sum(outcomes)
      assert.equal(sum(failures), outcomes.failed, 'each failure is of one kind')
    }
    assert.equal(
      attempts,
      metrics.total - metrics.unattempted + metrics.retries,
      "each attempt is a request's",
    )
    assert.equal(over, attempts, 'each attempt has one outcome')
    if (isSteady) assert.deepEqual(downs, [], "traffic decides on nobody's liveness")
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0)
}
