import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { isGone, stateOf } from '../crew.ts'
import { folder, until } from '../reloading.ts'

/** Traps for processes that are about to serve, by `hook.ts`. */
export class Traps {
  readonly path: string

  constructor(t: TestContext) {
    t.after(() => {
      for (const [, pid = 0] of this.#files()) if (pid !== 0 && !isGone(pid)) process.kill(pid, 'SIGKILL')
    })
    this.path = join(folder(t), 'traps') // behind the hook above: it is gone by the next one
    mkdirSync(this.path)
  }

  /**
   * Has the next process that is to take a place stand still before it serves; what is returned waits for it, and tells its
   * id. SIGCONT has it go on. The leading process waits for it for 15 s: then it counts as stuck.
   */
  set(place: number): () => Promise<number> {
    const before = new Set(this.#caught(place))
    writeFileSync(join(this.path, String(place)), '')
    return async () => {
      let pid = 0
      await until(`a process stands still before it takes place ${place}`, () => {
        pid = this.#caught(place).find((one) => !before.has(one)) ?? 0
        return pid !== 0 && stateOf(pid) === 'T'
      })
      return pid
    }
  }

  #caught(place: number): number[] {
    return this.#files().flatMap(([number, pid]) => (number === place && pid !== undefined ? [pid] : []))
  }

  /** Place, and the process that was caught, if one was. */
  #files(): number[][] {
    return readdirSync(this.path).map((name) => name.split(' ').map(Number))
  }
}
