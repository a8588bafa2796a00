import { type FSWatcher, watch } from 'node:fs'
import { join, relative } from 'node:path'

export interface WatchOptions {
  /** Called once for a burst of changes, with the path of the first file of it. */
  readonly onChange: (file: string) => void
  /** Called when the directory can no longer be watched. */
  readonly onError: (error: Error) => void
  /** A burst is over when nothing changed for this many milliseconds. */
  readonly quiet?: number
}

/** Watches the sources below `dirs`; tests and what editors leave behind are no sources. Returns what ends it. */
export function watchSources(
  dirs: readonly string[],
  { onChange, onError, quiet = 100 }: WatchOptions,
): () => void {
  let changed: string | undefined
  let timer: NodeJS.Timeout | undefined
  let watchers = open()

  function open(): FSWatcher[] {
    return dirs.flatMap((dir) => {
      try {
        return [watch(dir, { recursive: true }, (_event, file) => note(dir, file)).on('error', onError)]
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)))
        return []
      }
    })
  }

  function close(): void {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }

  function note(dir: string, file: string | null): void {
    if (file !== null && isSource(file)) changed ??= relative(process.cwd(), join(dir, file))
    clearTimeout(timer)
    timer = setTimeout(settle, quiet)
  }

  function settle(): void {
    // On Linux a recursive watch follows the file, not its name: one replaced by a rename (many editors, git) would
    // be lost from then on. A fresh watch sees it again, and what changes until then is part of this restart.
    close()
    watchers = open()
    const file = changed
    changed = undefined
    if (file !== undefined) onChange(file)
  }

  return close
}

/** `.main.ts.swp`, `main.ts~` and vim's `4913` are no sources. */
function isSource(file: string): boolean {
  return /(^|[/\\])[^./\\][^/\\]*\.\w+$/.test(file) && !file.endsWith('.test.ts')
}
