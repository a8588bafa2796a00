import type { Pool } from '../../src/pool.ts'
import type { Carrier, Lease } from '../../src/worker.ts'
import { settled, somebody } from './fakes.ts'

/** What an attempt is carried for: it ends the attempt when it is destroyed, and remembers that. */
export interface Load extends Carrier {
  readonly isCut: boolean
  /** The attempt ends well. */
  finish(): void
}

/** Begins attempts on a worker, which are in flight until they finish or are cut. */
export function load(pool: Pool, id: string, count = 1): Load[] {
  const worker = pool.workers.find((candidate) => candidate.id === id)
  if (!worker) throw new Error(`${id} is not in the pool`)
  return Array.from({ length: count }, () => {
    let isCut = false
    const carrier: Load = {
      get isCut() {
        return isCut
      },
      destroy() {
        isCut = true
        lease.release('client-gone')
      },
      finish: () => lease.release(200),
    }
    const lease: Lease = worker.lease(carrier)
    return carrier
  })
}

/** Who is picked within two rounds. */
export function picked(pool: Pool): Set<string> {
  const ids = new Set<string>()
  for (let i = 0; i < pool.workers.length * 2; i++) {
    const lease = pool.acquire(somebody)
    if (lease) ids.add(lease.worker.id)
    lease?.release(200)
  }
  return ids
}

/** What a pool tells of its workers, but their health. */
export function recorded(pool: Pool): string[] {
  const events: string[] = []
  pool.on('added', ({ id }) => events.push(`added ${id}`))
  pool.on('draining', ({ id }) => events.push(`draining ${id}`))
  pool.on('drained', ({ id }, { cut }) => events.push(`drained ${id}, ${cut} cut`))
  pool.on('removed', ({ id }) => events.push(`removed ${id}`))
  return events
}

/** Whether a promise has settled once everything that waits for promises alone has happened. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isOver = false
  const note = (): void => void (isOver = true)
  promise.then(note, note)
  await settled()
  return isOver
}
