import { watch as watchPath, type FSWatcher } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { say } from '../access-log.ts'

/** A file that is saved in several steps is read when this many ms have brought nothing new. */
const QUIET = 50

/**
 * Calls `onChange` whenever the text of a file is another than before, at first another than `known`: also where an
 * editor puts a new file in its place, since its folder is watched. Returns what ends it.
 */
export function watchFile(path: string, known: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let last = known

  async function look(): Promise<void> {
    timer = undefined
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined || text === last) return // gone for a moment, or for good: what was read last holds
    last = text
    onChange()
  }

  function changed(event: string, name: string | null): void {
    // A write to another file is no news, such as each line of a log; a link put in place may be what the path goes by.
    const isOther = name !== null && name !== basename(path)
    if (isOther && (event === 'change' || timer)) return
    clearTimeout(timer)
    timer = setTimeout(() => void look(), QUIET)
  }

  const watcher = watchFolder(dirname(path), changed)
  void look() // it may have changed since it was read
  return () => {
    clearTimeout(timer)
    watcher?.close()
  }
}

/** Without a watch, where the system has none to give or the folder goes, SIGHUP still works. */
function watchFolder(
  folder: string,
  onEvent: (event: string, name: string | null) => void,
): FSWatcher | undefined {
  const fail = (error: Error): void => say(`changes of ${folder} are not seen, send SIGHUP: ${error.message}`)
  try {
    return watchPath(folder, onEvent).on('error', fail)
  } catch (error) {
    fail(error as Error)
    return undefined
  }
}
