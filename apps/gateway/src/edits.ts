import { isDeepStrictEqual } from 'node:util'
import { checkPool, OptionError, originOf, parseOrigin, type Worker, type WorkerSpec } from '@rondo/balancer'
import type { Config, PoolConfig } from './config/config.ts'

/** A worker as an edit knows it. */
export type Spec = Extract<WorkerSpec, { url: string | URL }>

/** One worker of one pool, other than the config file says. */
export interface Edit {
  readonly pool: string
  readonly id: string
  /** What the file said of it when it was edited; undefined for nothing. */
  readonly said: Spec | undefined
  /** What it is to be; undefined for a worker that is removed. */
  readonly wanted: Spec | undefined
}

/** Edits that came to an end, and why. */
export interface Dropped {
  readonly edit: Edit
  readonly why: string
}

/** The id that the balancer gives to a worker. */
export function idOf(spec: WorkerSpec): string {
  const { url, name } = toSpec(spec)
  if (name !== undefined) return name
  const { hostname, port, protocol } = parseOrigin(url, 'url')
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

/** What would make this worker. */
export function specOf({ id, url, fullWeight }: Worker): Spec {
  const spec = { url: originOf(url), weight: fullWeight }
  return idOf(spec) === id ? spec : { ...spec, name: id }
}

/** The edits with one more: it replaces an earlier one of the same worker, and is left out if the file says the same. */
export function withEdit(
  edits: readonly Edit[],
  file: Config,
  { pool, id, wanted }: Omit<Edit, 'said'>,
): readonly Edit[] {
  const said = saidOf(file, pool, id)
  const rest = edits.filter((edit) => edit.pool !== pool || edit.id !== id)
  return isSame(said, wanted) ? rest : [...rest, { pool, id, said, wanted }]
}

/**
 * What a file and the edits make together, a three-way merge for each worker. An edit is dropped when the file says of
 * its worker something else than it did, when its pool is gone, and when what both make is no pool.
 */
export function applyEdits(
  file: Config,
  edits: readonly Edit[],
): { readonly config: Config; readonly edits: readonly Edit[]; readonly dropped: readonly Dropped[] } {
  const dropped: Dropped[] = []
  const held: Edit[] = []
  for (const edit of edits) {
    if (!file.pools.has(edit.pool)) dropped.push({ edit, why: 'the file has no such pool any more' })
    else if (!isSame(saidOf(file, edit.pool, edit.id), edit.said))
      dropped.push({ edit, why: 'the file says something else of that worker now' })
    else held.push(edit)
  }
  const pools = new Map(file.pools)
  for (const [name, pool] of file.pools) {
    const own = held.filter((edit) => edit.pool === name)
    if (own.length > 0) pools.set(name, editPool(pool, own, dropped))
  }
  const gone = new Set(dropped.map(({ edit }) => edit))
  return { config: { ...file, pools }, edits: edits.filter((edit) => !gone.has(edit)), dropped }
}

/** All edits if they make a pool; else one after the other those that do, removals last, since they may leave nobody. */
function editPool(pool: PoolConfig, edits: readonly Edit[], dropped: Dropped[]): PoolConfig {
  const whole = { ...pool, workers: workersOf(pool, edits) }
  if (faultOf(whole) === undefined) return whole
  const held: Edit[] = []
  for (const edit of edits.toSorted((one, other) => Number(!one.wanted) - Number(!other.wanted))) {
    const why = faultOf({ ...pool, workers: workersOf(pool, [...held, edit]) })
    if (why === undefined) held.push(edit)
    else dropped.push({ edit, why })
  }
  return { ...pool, workers: workersOf(pool, held) }
}

function workersOf({ workers }: PoolConfig, edits: readonly Edit[]): WorkerSpec[] {
  const wanted = new Map(edits.map(({ id, wanted }) => [id, wanted]))
  const ids = new Set(workers.map(idOf))
  const changed = workers.map((spec) => (wanted.has(idOf(spec)) ? wanted.get(idOf(spec)) : spec))
  const added = edits.filter(({ id }) => !ids.has(id)).map(({ wanted }) => wanted)
  return [...changed, ...added].filter((spec) => spec !== undefined)
}

/** Why these cannot be a pool's workers. */
function faultOf({ workers, options }: PoolConfig): string | undefined {
  try {
    checkPool(workers, options)
    return undefined
  } catch (error) {
    if (error instanceof OptionError) return error.reason
    throw error
  }
}

function saidOf(file: Config, pool: string, id: string): Spec | undefined {
  const found = file.pools.get(pool)?.workers.find((spec) => idOf(spec) === id)
  return found === undefined ? undefined : toSpec(found)
}

/** The same but for how it is written. */
function isSame(one: Spec | undefined, other: Spec | undefined): boolean {
  return isDeepStrictEqual(one && essence(one), other && essence(other))
}

function essence({ url, weight = 1 }: Spec): object {
  return { origin: originOf(parseOrigin(url, 'url')), weight }
}

/** A worker's spec with its shorthand written out. */
export function toSpec(spec: WorkerSpec): Spec {
  return typeof spec === 'string' || spec instanceof URL ? { url: spec } : spec
}
