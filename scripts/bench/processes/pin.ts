import { readFileSync } from 'node:fs'
import { installed } from './installed.ts'

/** Who gets which cores: the subject the first, load and backends the next. */
export type Core = 'subject' | 'load'

/** How many each of them is to have. */
let wanted = 1

/** From now on the subject gets so many cores, and load and backends as many; with too few for that, all get all. */
export function divideCores(each: 1 | 2): void {
  wanted = each
}

/** Whether processes are pinned here: that takes `taskset` and the cores. */
export function isPinned(): boolean {
  return coresOf('subject').length > 0
}

/** The cores that `core` is pinned to now; none where it may use all. */
export function coresOf(core: Core): readonly number[] {
  return installed('taskset') ? divided(allowedCores(), wanted)[core] : []
}

/** `each` cores for each, of those that are `allowed`; none where they are too few. */
export function divided(allowed: readonly number[], each: number): Record<Core, readonly number[]> {
  if (allowed.length < 2 * each) return { subject: [], load: [] }
  return { subject: allowed.slice(0, each), load: allowed.slice(each, 2 * each) }
}

/** What to put before a command so that it runs on its cores alone, and dies with the bench (Linux). */
export function prefix(core: Core): string[] {
  const mortal =
    process.platform === 'linux' && installed('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []
  const cores = coresOf(core)
  return cores.length > 0 ? [...mortal, 'taskset', '-c', cores.join()] : mortal
}

/** The cores on which this process may run: in a container not always from 0. */
function allowedCores(): number[] {
  try {
    const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
    return parseCores(list)
  } catch {
    return []
  }
}

/** `0-2,5` is 0, 1, 2 and 5. */
export function parseCores(list: string): number[] {
  return list
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number)
      return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
}
