import type { Figures, Sample } from '../sample.ts'
import type { Loaded } from './under-load.ts'
import { cpuTime, cpuTimeOfEnded, family, preciseCpuTime } from './usage.ts'

/** CPU time so far, in µs: by process of the subject, the first one first, and of all else that the bench runs. */
interface Spent {
  readonly subject: ReadonlyMap<number, number>
  readonly beside: number
}

/**
 * Applies a load to a subject of `count` processes that serve, and with more than one of another that leads them. Adds
 * what all of them needed for it, and load and backends beside them, where the machine can tell.
 * @throws Error when others have taken the place of some meanwhile, or there are more or fewer.
 */
export async function underLoadOfAll(
  pid: number,
  count: number,
  apply: () => Promise<Loaded>,
): Promise<Sample> {
  const before = spent(pid)
  const { answers, seconds, figures, ...rest } = await apply()
  const after = spent(pid)
  if (!before || !after || answers === 0) return { ...rest, figures }
  const each = Array.from(before.subject, ([one, time]) => (after.subject.get(one) ?? Number.NaN) - time)
  const expected = count === 1 ? 1 : count + 1
  if (each.length !== expected || after.subject.size !== expected || each.some(Number.isNaN))
    throw new Error(`of ${expected} processes not all have lived from the beginning of the load to its end`)
  const beside = (after.beside - before.beside) / answers
  return { ...rest, figures: { ...figures, ...usage(each, answers, seconds), beside } }
}

/** The figures of what each process has used, the leading one first where there are several. */
export function usage(each: readonly number[], answers: number, seconds: number): Figures {
  const [first = 0, ...others] = each
  const all = sum(each)
  const cpu = all / answers
  const shares = others.length > 0 ? { led: first / all, busiest: Math.max(...others) / sum(others) } : {}
  return { cpu, share: all / (seconds * 1e6), room: (Math.max(1, others.length) * 1e6) / cpu, ...shares }
}

function spent(pid: number): Spent | undefined {
  const ours = family(pid)
  const times = ours.map((one) => [one, preciseCpuTime(one)] as const)
  const ended = cpuTimeOfEnded(process.pid) // load programs, which have come and gone
  if (ended === undefined) return undefined
  const others = family(process.pid).filter((one) => !ours.includes(one))
  return {
    subject: new Map(times.map(([one, time = Number.NaN]) => [one, time])),
    beside: ended + sum(others.map((one) => cpuTime(one) ?? 0)),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
