import type { Pool, WorkerStats } from '@rondo/balancer'
import type { Request } from 'express'
import type { Gateway } from '../gateway.ts'
import { Problem } from './problem.ts'

/** How many names a problem lists. */
const MOST = 20

/** The pool that a path names. @throws Problem 404. */
export function poolOf(
  { pools }: Gateway,
  { params }: Request,
): { readonly name: string; readonly pool: Pool } {
  const name = params['pool'] as string
  const pool = pools.get(name)
  if (!pool) throw unknown('pool', name, Array.from(pools.keys()))
  return { name, pool }
}

/** The worker that a path names, as its pool knows it, those on their way out included. @throws Problem 404. */
export function workerOf(pool: Pool, { params }: Request): WorkerStats {
  const id = params['id'] as string
  const { workers } = pool.stats()
  const found = workers.find((worker) => worker.id === id)
  const ids = workers.map((worker) => worker.id)
  if (!found) throw unknown('worker of this pool', id, ids)
  return found
}

function unknown(what: string, name: string, known: readonly string[]): Problem {
  const listed = known.slice(0, MOST).map((one) => JSON.stringify(one))
  const rest = known.length > MOST ? `, and ${known.length - MOST} more` : ''
  return new Problem(404, `${JSON.stringify(name)} is no ${what}; there are ${listed.join(', ')}${rest}`)
}
