const TIMES =
  /(^|\.)(timeouts\.\w+|timeout|deadline|keepAlive\.idle|breaker\.(within|open)|slowStart|shutdown)$/
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

/** A time in ms, as `500ms`, `30s`, `1m` or `2h`. */
export function showTime(ms: number): string {
  return inUnits(ms, [
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1000, 's'],
    [1, 'ms'],
  ])
}

/** A size in bytes, as `64KiB`. */
function showSize(bytes: number): string {
  return inUnits(bytes, [
    [1024 ** 3, 'GiB'],
    [1024 ** 2, 'MiB'],
    [1024, 'KiB'],
    [1, 'B'],
  ])
}

/** By the largest unit of which it has a whole number. */
function inUnits(value: number, units: readonly (readonly [number, string])[]): string {
  const [size, unit] = units.find(([size]) => value >= size && value % size === 0) ?? [1, units.at(-1)?.[1]]
  return `${value / size}${unit}`
}
