import { installed } from './processes/installed.ts'
import type { Subject } from './subject.ts'

export interface Available {
  readonly subjects: readonly Subject[]
  /** One line for each that is not there, with what would mend it. */
  readonly missing: readonly string[]
}

/** Who of `subjects` can be measured on this machine: those that were asked for, else all. */
export async function available(
  subjects: readonly Subject[],
  wanted: readonly string[] | undefined,
): Promise<Available> {
  const missing: string[] = []
  const there: Subject[] = []
  for (const subject of subjects) {
    if (wanted && !wanted.includes(subject.name)) continue
    const why = await whyMissing(subject)
    if (why === undefined) there.push(subject)
    else missing.push(`without ${subject.name}: ${why}`)
  }
  return { subjects: there, missing }
}

async function whyMissing({ start }: Subject): Promise<string | undefined> {
  if (start.kind === 'main') return undefined
  if (start.kind === 'script') return start.missing?.()
  const why = installed(start.program) ? start.missing?.() : 'it is not installed'
  return why && `${why}; on Debian: ${start.install}`
}
