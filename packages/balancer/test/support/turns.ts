import assert from 'node:assert/strict'
import type { Worker } from '../../src/worker.ts'

/** Holds round robin to its rule, pick by pick. */
export class Turns {
  #eligible: readonly Worker[] = []
  #last: Worker | undefined
  /** The picks since the eligible workers changed, or since a request skipped one that it had tried. */
  #row: Worker[] = []

  /** `worker` was picked from `untried`, which are those of the `eligible` that the request had not tried. */
  took(worker: Worker | undefined, untried: readonly Worker[], eligible: readonly Worker[]): void {
    assert.ok(worker)
    assert.ok(untried.includes(worker))
    if (untried.length > 1) assert.notEqual(worker, this.#last, `${worker.id} was picked twice in a row`)
    this.#last = worker
    if (untried.length < eligible.length || !sameMembers(eligible, this.#eligible)) this.#row = []
    this.#eligible = eligible
    if (untried.length < eligible.length) return
    this.#row.push(worker)
    allDistinct(this.#row.slice(-eligible.length))
  }
}

export function allDistinct(row: readonly Worker[]): void {
  assert.equal(new Set(row).size, row.length, `in a row: ${row.map(({ id }) => id).join(', ')}`)
}

function sameMembers(one: readonly Worker[], other: readonly Worker[]): boolean {
  return one.length === other.length && one.every((worker, i) => worker === other[i])
}
