import { isDeepStrictEqual } from 'node:util'

/** A worker as a config file has it here: its weight is always said. */
export interface Spec {
  readonly url: string
  readonly name?: string
  readonly weight: number
}

/** The workers of each pool, as a file has them. */
export type Pools = Readonly<Record<string, readonly Spec[]>>

export interface Shown {
  readonly pool: string
  readonly id: string
  readonly url: string
  readonly weight: number
  readonly draining: boolean
}

interface Edit {
  readonly pool: string
  readonly id: string
  readonly said: Spec | undefined
  readonly wanted: Spec | undefined
}

export function idOf({ url, name }: Spec): string {
  return name ?? new URL(url).host
}

/**
 * What the workers of a gateway must be, by the config file in force and by what was done through the admin API: written
 * from the contract alone. Each edit holds until the file says of the same worker something else than it did.
 */
export class Model {
  #pools: Pools
  #edits: readonly Edit[] = []
  #drained: ReadonlySet<string> = new Set()

  constructor(pools: Pools) {
    this.#pools = pools
  }

  /** What it would be by another file; this one stays as it is. */
  with(pools: Pools): Model {
    const other = new Model(pools)
    const held = this.#edits.filter(
      ({ pool, id, said }) => pools[pool] && isDeepStrictEqual(saidBy(pools, pool, id), said),
    )
    const wanted = held.filter((edit) => edit.wanted)
    const removals: Edit[] = []
    for (const edit of held)
      // a removal that would leave nobody does not hold
      if (!edit.wanted && other.#merged(edit.pool, [...wanted, ...removals, edit]).size > 0)
        removals.push(edit)
    other.#edits = held.filter((edit) => edit.wanted || removals.includes(edit))
    other.#drained = this.#drained
    other.#forget(this)
    return other
  }

  /** Another wish for one worker; undefined for none. */
  edit(pool: string, id: string, wanted: Spec | undefined): void {
    const before = new Model(this.#pools)
    before.#edits = this.#edits
    const said = saidBy(this.#pools, pool, id)
    const rest = this.#edits.filter((edit) => edit.pool !== pool || edit.id !== id)
    this.#edits = isDeepStrictEqual(said, wanted) ? rest : [...rest, { pool, id, said, wanted }]
    this.#forget(before)
  }

  drain(pool: string, id: string): void {
    this.#drained = new Set([...this.#drained, `${pool} ${id}`])
  }

  undrain(pool: string, id: string): void {
    this.#drained = new Set(Array.from(this.#drained).filter((one) => one !== `${pool} ${id}`))
  }

  isDrained(pool: string, id: string): boolean {
    return this.#drained.has(`${pool} ${id}`)
  }

  get pools(): readonly string[] {
    return Object.keys(this.#pools)
  }

  /** Those of a pool, by id. */
  workers(pool: string): ReadonlyMap<string, Spec> {
    return this.#merged(pool, this.#edits)
  }

  /** All of them, as `GET /workers` has those that are not leaving, by pool and id. */
  shown(): Shown[] {
    return sorted(
      this.pools.flatMap((pool) =>
        Array.from(this.workers(pool), ([id, { url, weight }]) => {
          return { pool, id, url, weight, draining: this.isDrained(pool, id) }
        }),
      ),
    )
  }

  #merged(pool: string, edits: readonly Edit[]): Map<string, Spec> {
    const workers = new Map((this.#pools[pool] ?? []).map((spec) => [idOf(spec), spec]))
    for (const edit of edits) {
      if (edit.pool !== pool) continue
      if (edit.wanted) workers.set(edit.id, edit.wanted)
      else workers.delete(edit.id)
    }
    return workers
  }

  /** Who is gone, or another by its URL, is drained no more. */
  #forget(before: Model): void {
    const isSame = (pool: string, id: string): boolean =>
      before.workers(pool).get(id)?.url === this.workers(pool).get(id)?.url && this.workers(pool).has(id)
    this.#drained = new Set(
      Array.from(this.#drained).filter((one) => {
        const [pool = '', id = ''] = one.split(' ')
        return isSame(pool, id)
      }),
    )
  }
}

export function sorted(workers: readonly Shown[]): Shown[] {
  const key = ({ pool, id }: Shown): string => `${pool} ${id}`
  return workers.toSorted((one, other) => (key(one) < key(other) ? -1 : 1))
}

function saidBy(pools: Pools, pool: string, id: string): Spec | undefined {
  return pools[pool]?.find((spec) => idOf(spec) === id)
}
