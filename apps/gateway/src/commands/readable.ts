import { showSize, showTime } from '../config/units.ts'

const TIMES =
  /(^|\.)(timeouts\.\w+|timeout|idleTimeout|halfCloseTimeout|deadline|keepAlive\.idle|breaker\.(within|open)|slowStart|shutdown)$/
const SIZES = /(^|\.)limits\.(header|body)$/

/** A value of a config with its times and sizes as a file has them, by where it stands. */
export function readable(key: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, readable(`${key}.${name}`, part)]),
    )
  if (typeof value !== 'number') return value
  if (TIMES.test(key)) return showTime(value)
  if (SIZES.test(key)) return showSize(value)
  return /(^|\.)sticky\.maxAge$/.test(key) ? showTime(value * 1000) : value
}
