import type { Figures, Sample } from '../sample.ts'
import { cpuTime, residentMemory } from './usage.ts'

/** What a load did to a subject, before its process was looked at. */
export interface Loaded extends Sample {
  readonly answers: number
  readonly seconds: number
}

/** Applies a load, and adds what the process `pid` needed for it, where the machine can tell. */
export async function underLoad(pid: number, apply: () => Promise<Loaded>): Promise<Sample> {
  const before = cpuTime(pid)
  const { answers, seconds, figures, ...rest } = await apply()
  const after = cpuTime(pid)
  return { ...rest, figures: { ...figures, ...usage(answers, seconds, before, after), ...memory(pid) } }
}

function usage(answers: number, seconds: number, before?: number, after?: number): Figures {
  if (before === undefined || after === undefined || answers === 0) return {}
  return { cpu: (after - before) / answers, share: (after - before) / (seconds * 1e6) }
}

function memory(pid: number): Figures {
  const rss = residentMemory(pid)
  return rss === undefined ? {} : { rss }
}
