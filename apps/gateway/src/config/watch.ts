import { readlinkSync, watch as watchPath, type FSWatcher } from 'node:fs'
import { basename, join, parse, resolve, sep } from 'node:path'
import { say } from '../access-log.ts'
import { readNow } from './read.ts'

/** A file that is saved in several steps is read when this many ms have brought nothing new. */
const QUIET = 50

/** So many links a path may go through. */
const LINKS = 40

/**
 * Calls `onChange` whenever the text of a file is another than before, at first another than `known`: also where an
 * editor puts a new file in its place, since its folder is watched, or where a link on the way to it leads elsewhere.
 * Returns what ends it.
 */
export function watchFile(path: string, known: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let last = known
  let isOver = false

  async function look(): Promise<void> {
    timer = undefined
    follow() // a link may lead to another folder now
    const text = await readNow(path).catch(() => undefined)
    if (isOver || text === undefined || text === last) return // gone for a moment, or for good: what was read last holds
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

  let watchers = new Map<string, FSWatcher | undefined>()
  /** Watches the folders that the path goes through now, those that are there again anew. */
  function follow(): void {
    const before = watchers
    watchers = new Map(foldersOf(path).map((folder) => [folder, before.get(folder)]))
    for (const [folder, watcher] of watchers) if (!watcher) watchers.set(folder, watchFolder(folder, changed))
    for (const [folder, watcher] of before) if (watchers.get(folder) !== watcher) watcher?.close()
  }

  void look() // it may have changed since it was read
  return () => {
    clearTimeout(timer)
    isOver = true
    for (const watcher of watchers.values()) watcher?.close()
  }
}

/**
 * Watches files that belong together, such as a certificate and its key: calls `onChange` when the text of any is
 * another, and nothing more has changed for a moment. `set` says which, by path, with what is known of each.
 */
export function watchFiles(onChange: () => void): {
  set(files: ReadonlyMap<string, string>): void
  close(): void
} {
  const watched = new Map<string, () => void>()
  let timer: NodeJS.Timeout | undefined
  function changed(): void {
    clearTimeout(timer)
    timer = setTimeout(onChange, QUIET)
  }
  function set(files: ReadonlyMap<string, string>): void {
    for (const [path, end] of watched) {
      if (files.has(path)) continue
      end()
      watched.delete(path)
    }
    for (const [path, text] of files)
      if (!watched.has(path)) watched.set(path, watchFile(path, text, changed))
  }
  return {
    set,
    close() {
      clearTimeout(timer)
      set(new Map())
    },
  }
}

/** The folder of a file, and those of the links that lead to it. */
function foldersOf(path: string): string[] {
  const folders = new Set<string>()
  const { root } = parse(resolve(path))
  let at = root
  let rest = resolve(path).slice(root.length).split(sep)
  for (let links = 0; rest.length > 0 && links < LINKS;) {
    const [name = '', ...below] = rest
    const target = linkAt(join(at, name))
    if (target === undefined) {
      if (below.length === 0) folders.add(at)
      at = join(at, name)
      rest = below
    } else {
      links++
      folders.add(at)
      const whole = resolve(at, target)
      at = parse(whole).root
      rest = [...whole.slice(at.length).split(sep), ...below]
    }
  }
  return Array.from(folders)
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
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
