import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { until } from './until.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Remembers objects without holding them, and tells whether anybody else does. */
export class Remembered {
  readonly #refs: WeakRef<object>[] = []

  add(...objects: readonly object[]): void {
    for (const object of objects) this.#refs.push(new WeakRef(object))
  }

  /** Resolves when none is held; rejects, telling what is, when that takes too long. */
  async released(): Promise<void> {
    let held = ''
    await until(
      'nothing is held',
      () => {
        collect()
        const names = this.#refs
          .map((ref) => ref.deref()?.constructor.name)
          .filter((name) => name !== undefined)
        held = `${names.length} of ${this.#refs.length}: ${Array.from(new Set(names)).join(', ')}`
        return names.length === 0
      },
      3000,
    ).catch((error: Error) => {
      throw new Error(`still held, ${held}`, { cause: error })
    })
  }
}
