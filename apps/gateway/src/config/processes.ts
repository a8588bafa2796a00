import { availableParallelism } from 'node:os'
import { z } from 'zod'
import type { Fault } from './fault.ts'
import type { File } from './schema.ts'
import type { Source } from './source.ts'

/** So many processes there may be. */
const MOST = 256

/** What is said of what is neither `auto` nor a number of processes, in a file or by the environment. */
export const NO_PROCESSES = `is no number of processes; give "auto", or a whole number from 1 to ${MOST}`

/** How many processes serve: `auto` or a number. */
export const processes = z
  .union([z.literal('auto'), z.int(NO_PROCESSES).min(1, NO_PROCESSES).max(MOST, NO_PROCESSES)], NO_PROCESSES)
  .describe('How many processes serve, auto for one to a core; default 1')

/** The same of a text, such as a variable has; undefined for what is neither. */
export function readProcesses(text: string): File['processes'] {
  return processes.safeParse(/^\d{1,3}$/.test(text) ? Number(text) : text).data
}

/** How many that is. */
export function countProcesses(value: File['processes'] = 1): number {
  return value === 'auto' ? availableParallelism() : value
}

/** Says that there are more processes than the cores can run. */
export function tooManyProcesses(
  { processes }: File,
  source: Source,
  cores = availableParallelism(),
): Fault[] {
  const most = 2 * cores
  if (processes === undefined || processes === 'auto' || processes <= most) return []
  const wrong = `${processes} is more than twice the number of cores, which is ${cores}`
  const mend = `they take time and memory from each other; use auto, or ${most} at most`
  return [source.fault(['processes'], `${wrong}: ${mend}`)]
}
