import { createTask, parse, validateDetailed, type ScheduledTask } from 'node-cron'
import { OptionError } from '../errors.ts'

const DAY = 86_400

/** A tick at every time of `expression`, never two at once; not started. Its timers keep no process alive. */
export function createSchedule(expression: string, tick: () => Promise<void>): ScheduledTask {
  return createTask(expression, tick, { name: 'rondo-health', noOverlap: true, unref: true, logger: silent })
}

/** A skipped or late tick is no news: the next comes soon, and `tick` reports what matters itself. */
const silent = { info() {}, warn() {}, error() {}, debug() {} }

/** @throws OptionError unless `expression` is a cron expression of five or six fields (seconds first). */
export function checkSchedule(option: string, expression: unknown): void {
  const mend = 'write a cron expression such as "*/2 * * * * *" (every 2 s)'
  if (typeof expression !== 'string') throw new OptionError(option, expression, `is not a schedule; ${mend}`)
  const { valid, errors } = validateDetailed(expression)
  const why = errors.map((error) => error.message).join('; ')
  if (!valid) throw new OptionError(option, expression, `is not a schedule (${why}); ${mend}`)
  if (!comes(expression)) throw new OptionError(option, expression, `names a day that never comes; ${mend}`)
}

function comes(expression: string): boolean {
  const task = createTask(expression, () => {})
  try {
    return task.getNextRuns(1).length > 0
  } catch {
    return false
  } finally {
    void task.destroy()
  }
}

/**
 * The shortest time between two ticks, in ms, from the times of day that the expression names; the night between
 * the last and the first counts as if every day were one of its days.
 */
export function smallestGap(expression: string): number {
  const { second, minute, hour } = parse(expression)
  const named = hour.flatMap((h) => minute.flatMap((m) => second.map((s) => h * 3600 + m * 60 + s)))
  const times = Array.from(new Set(named)).toSorted((a, b) => a - b) // "0,*/2" names second 0 twice
  const gaps = times.map((time, i) => (times[i + 1] ?? (times[0] as number) + DAY) - time)
  return gaps.reduce((least, gap) => Math.min(least, gap), DAY) * 1000
}
