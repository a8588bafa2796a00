import { OptionError } from './errors.ts'
import { metricNames } from './metrics/names.ts'
import { originOf } from './origin.ts'
import { setWeight, Worker, type WorkerSpec } from './worker.ts'
import { keyOf } from './worker-key.ts'

/** @throws OptionError for no worker at all, a bad or duplicate one, or some for HTTP and some for TCP. */
export function toWorkers(specs: readonly WorkerSpec[], seq: () => number, isTcp?: boolean): Worker[] {
  if (!Array.isArray(specs) || specs.length === 0)
    throw new OptionError('workers', specs, 'names no worker; give at least one, as "http://host:port"')
  const workers = specs.map((spec, i) => new Worker(spec, seq(), `workers[${i}]`))
  for (const [i, worker] of workers.entries()) checkKind(worker, isTcp ?? isForTcp(workers), `workers[${i}]`)
  checkNames(workers)
  return workers
}

/** One more beside those there are. @throws OptionError for a bad or duplicate worker, or one of the other kind. */
export function toWorker(spec: WorkerSpec, seq: number, isTcp: boolean, others: readonly Worker[]): Worker {
  const worker = new Worker(spec, seq, 'worker')
  checkKind(worker, isTcp, 'worker')
  checkNames([...others, worker])
  return worker
}

/** Whether workers of one kind are for TCP, and not for HTTP. */
export function isForTcp(workers: readonly Worker[]): boolean {
  return workers[0]?.isTcp ?? false
}

/** A pool has one kind of workers, for good: who balances it relies on that. @throws OptionError for one of the other. */
function checkKind(worker: Worker, isTcp: boolean, option: string): void {
  if (worker.isTcp === isTcp) return
  const [kind, other] = isTcp ? ['TCP', 'HTTP'] : ['HTTP', 'TCP']
  throw new OptionError(
    option,
    originOf(worker.url),
    `is a worker for ${other} in a pool for ${kind}; give it a pool of its own`,
  )
}

/** @throws OptionError for an id that nobody has, naming those who are there. */
export function find(workers: readonly Worker[], id: string): Worker {
  const worker = workers.find((candidate) => candidate.id === id)
  const known = workers.map((candidate) => candidate.id).join(', ')
  if (!worker) throw new OptionError('id', id, `is no worker of this pool; use one of: ${known || '(none)'}`)
  return worker
}

export function ids(workers: readonly Worker[]): string[] {
  return workers.map(({ id }) => id)
}

/** What `pool.update` would change of a pool's workers. */
export interface PlannedUpdate {
  /** Who would come, as it would be; it belongs to no pool. */
  readonly added: readonly Worker[]
  /** Who would go, those included that are on their way out already. */
  readonly removed: readonly Worker[]
  /** Who would stay, with the full weight that it would have. */
  readonly kept: readonly { readonly worker: Worker; readonly weight: number }[]
}

/**
 * Looks what `pool.update(specs)` would change, and changes nothing; `workers` are the pool's.
 * @throws OptionError for no worker at all, or a bad or duplicate one.
 */
export function planUpdate(workers: readonly Worker[], specs: readonly WorkerSpec[]): PlannedUpdate {
  return compare(
    workers,
    toWorkers(specs, () => 0),
  )
}

/**
 * Who of `wanted` is there already, by id and URL, and gets its weight; who is new; and who is not wanted any more.
 */
export function merge(
  workers: readonly Worker[],
  wanted: readonly Worker[],
): { kept: Worker[]; added: readonly Worker[]; removed: readonly Worker[] } {
  const { kept, added, removed } = compare(workers, wanted)
  for (const { worker, weight } of kept) setWeight(worker, weight)
  return { kept: kept.map(({ worker }) => worker), added, removed }
}

function compare(workers: readonly Worker[], wanted: readonly Worker[]): PlannedUpdate {
  const known = new Map(workers.map((worker) => [keyOf(worker), worker]))
  const kept: PlannedUpdate['kept'][number][] = []
  const added: Worker[] = []
  for (const wish of wanted) {
    const key = keyOf(wish)
    const worker = known.get(key)
    if (worker) kept.push({ worker, weight: wish.weight })
    else added.push(wish)
    known.delete(key)
  }
  return { kept, added, removed: Array.from(known.values()) }
}

/** Who of those on their way out cannot stay meanwhile: its name, here or in the metrics, is another's now. */
export function displaced(leaving: readonly Worker[], wanted: readonly Worker[]): Worker[] {
  const all = [...wanted]
  return leaving.filter((worker) => {
    try {
      checkNames([...all, worker])
    } catch {
      return true
    }
    all.push(worker)
    return false
  })
}

/** @throws OptionError for two of one name, in the pool or in the metrics. */
function checkNames(workers: readonly Worker[]): void {
  const ids = new Set<string>()
  for (const { id } of workers) {
    if (ids.has(id)) throw new OptionError('workers', id, 'is there twice; give each worker an id of its own')
    ids.add(id)
  }
  metricNames(workers)
}
