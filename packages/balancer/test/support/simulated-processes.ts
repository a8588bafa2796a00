import type { Strategy } from '../../src/strategies/strategy.ts'
import type { Worker } from '../../src/worker.ts'
import { dice } from './dice.ts'

/** Processes before one set of workers, each with a strategy and dice of its own. */
export interface Processes {
  readonly count: number
  /** What each sees of the workers' load: what it sent them itself, or what all did, exactly. Default `own`. */
  readonly sees?: 'own' | 'all'
  /** The share of the connections that the first process gets. Default as much as each other. */
  readonly first?: number
}

/** One process: its view of the workers, and its choice among them. */
export interface Process {
  readonly workers: readonly Worker[]
  readonly pick: Strategy
}

/** From how many connections requests come, each as many as any other. A connection stays with its process. */
const CONNECTIONS = 256

/** Tells which process the next request comes to: that of its connection, which came to it by chance. */
export function spread(
  { count, sees = 'own', first = 1 / count }: Processes,
  workersOf: () => Worker[],
  create: (random: () => number) => Strategy,
  seed: number,
): () => Process {
  const common = workersOf()
  const processes = Array.from({ length: count }, (_, i) => ({
    workers: sees === 'all' || i === 0 ? common : workersOf(),
    pick: create(dice(seed + 1000 * i)),
  }))
  const chance = dice(seed + 1)
  const among = (from: number): Process => processes[from + Math.floor(chance() * (count - from))] as Process
  const connections = Array.from(
    { length: CONNECTIONS },
    () => (count === 1 || chance() < first ? processes[0] : among(1)) as Process,
  )
  return () => connections[Math.floor(chance() * CONNECTIONS)] as Process
}
