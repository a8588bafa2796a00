import { createTask, parse, validateDetailed, type ScheduledTask } from 'node-cron'
import { OptionError } from '../errors.ts'

const DAY = 86_400

/** A tick at every time of `expression`, never two at once; not started. Its timers keep no process alive. */
export function createSchedule(expression: string, tick: () => Promise<void>): ScheduledTask {
  return createTask(expression, tick, { name: 'rondo-health', noOverlap: true, unref: true, logger: silent })
}

/** Time to the next tick of a schedule, started or not, in ms. */
export function untilNext(task: ScheduledTask): number {
  const [next] = task.getNextRuns(1)
  return next ? next.getTime() - Date.now() : 0
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
  const [hours, minutes, seconds] = [hour, minute, second].map((field) => field.toSorted((a, b) => a - b))
  let [least, first, last] = [DAY, -1, -1]
  for (const h of hours as number[])
    for (const m of minutes as number[])
      for (const s of seconds as number[]) {
        const time = h * 3600 + m * 60 + s
        if (last < 0) first = time
        else if (time > last) least = Math.min(least, time - last) // "0,*/2" names second 0 twice
        last = time
      }
  return Math.min(least, first + DAY - last) * 1000
}
