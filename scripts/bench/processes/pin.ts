import { readFileSync } from 'node:fs'
import { installed } from './installed.ts'

/** Who gets which core: the subject the first, load and backends the second. */
export type Core = 'subject' | 'load'

/** Whether processes are pinned here: that takes `taskset` and two cores. */
export function isPinned(): boolean {
  return installed('taskset') && allowedCores().length > 1
}

/** What to put before a command so that it runs on `core` alone, and dies with the bench (Linux). */
export function prefix(core: Core): string[] {
  const mortal =
    process.platform === 'linux' && installed('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []
  const number = allowedCores()[core === 'subject' ? 0 : 1]
  return isPinned() && number !== undefined ? [...mortal, 'taskset', '-c', String(number)] : mortal
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
