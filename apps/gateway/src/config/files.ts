import { UNREADABLE } from './fault.ts'
import { readNowSync } from './read.ts'

/** No chain of certificates is as long as that, in bytes. */
const MOST = 1024 ** 2

/** The files that a config names, each read once, so that all that is made of one goes by the same contents. */
export class Files {
  readonly #texts = new Map<string, string>()

  /** What was read, by path. What could not be read is empty. */
  get texts(): ReadonlyMap<string, string> {
    return this.#texts
  }

  /** The contents of a file; empty for one that cannot be read. */
  text(path: string): string {
    if (!this.#texts.has(path)) this.wrongWith(path)
    return this.#texts.get(path) as string
  }

  /** Why a file cannot be read; undefined if it can. */
  wrongWith(path: string): string | undefined {
    if (this.#texts.get(path)) return undefined
    this.#texts.set(path, '')
    try {
      this.#texts.set(path, readNowSync(path, MOST))
      return undefined
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      if (code === 'EFBIG') return 'is larger than 1 MiB; name a PEM file'
      if (code === 'ENOTFILE') return 'is no file; name a PEM file'
      return `cannot be read: ${UNREADABLE[code] ?? message}`
    }
  }
}
