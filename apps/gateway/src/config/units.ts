import { z } from 'zod'

/** From the least. */
const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** The longest delay that a timer can have, in ms. */
const LONGEST = 2 ** 31 - 1

/** A time such as `500ms`, `2s`, `1m` or `1h`; in ms. */
export const duration = time((ms) => ms > 0, 'is no time; give more than 0')
/** The same, where 0 has a meaning. */
export const durationOrNone = time(() => true, '')
/** The same, as cookies have it: of whole seconds. */
export const seconds = time((ms) => ms > 0 && ms % 1000 === 0, 'is not in whole seconds; give "1s" or more')

/** A size such as `64KiB` or `10MiB`; in bytes. */
export const size = bytes(0, '')
/** The same, and not 0. */
export const someSize = bytes(1, 'is no size; give more than 0')

/** A time in ms as a file has it: `500ms`, `30s`, `1m` or `2h`. */
export function showTime(ms: number): string {
  return inUnits(ms, MS)
}

/** A size in bytes as a file has it: `64KiB`. */
export function showSize(bytes: number): string {
  return inUnits(bytes, BYTES)
}

function time(isRight: (ms: number) => boolean, wrong: string) {
  const error = 'is not a duration; write it with its unit, as "500ms", "2s" or "1m"'
  return z
    .string(error)
    .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, { error, abort: true })
    .refine((text) => measure(text, MS) <= LONGEST, 'is longer than a timer can run; give "596h" or less')
    .refine((text) => isRight(measure(text, MS)), wrong)
    .transform((text) => measure(text, MS))
}

function bytes(least: number, wrong: string) {
  const error = 'is not a size; write it with its unit, as "64KiB" or "10MiB"'
  return z
    .string(error)
    .regex(/^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, { error, abort: true })
    .refine(
      (text) => Number.isSafeInteger(measure(text, BYTES)),
      'is no whole number of bytes; write it as "64KiB" or "10MiB"',
    )
    .refine((text) => measure(text, BYTES) >= least, wrong)
    .transform((text) => measure(text, BYTES))
}

function measure(text: string, units: Readonly<Record<string, number>>): number {
  const [, amount, unit = ''] = /^([\d.]+)(\w+)$/.exec(text) ?? []
  return Number(amount) * (units[unit] ?? NaN)
}

/** By the largest unit of which it has a whole number. */
function inUnits(value: number, units: Readonly<Record<string, number>>): string {
  const all = Object.entries(units)
  const [unit, size] = all.findLast(([, size]) => value >= size && value % size === 0) ?? [all[0]?.[0], 1]
  return `${value / size}${unit}`
}
