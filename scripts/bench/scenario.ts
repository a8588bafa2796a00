import type { BackendsOptions } from './backends/start.ts'
import type { Contestant, Running } from './contestant.ts'
import type { Row } from './result.ts'
import type { Figure, Sample } from './sample.ts'
import type { Subject } from './subject.ts'

/** What is done to the contestants, and what is measured meanwhile. */
export interface Scenario {
  readonly name: string
  /** One line for the tables. */
  readonly title: string
  /** What the tables show, in this order; the ratios are of the first. */
  readonly figures: readonly Figure[]
  /** Whether a large first figure is the better one. */
  readonly better: 'more' | 'less'
  /** What an answer is called: CPU is counted per each. */
  readonly unit: 'request' | 'message' | 'connection' | 'MB'
  readonly backends: BackendsOptions
  readonly tls?: boolean
  /** Whether it is of connections, whatever is said on them: with subjects, backends and a load of their own. */
  readonly tcp?: boolean
  /** About how many seconds one measurement takes beside its load. Default 0.2. */
  readonly around?: number
  /**
   * Whether each measurement has a process of its own, and no other contestant runs meanwhile: for what can be
   * measured only once in a process, and for contestants that are busy even when nobody asks them.
   */
  readonly fresh?: boolean
  /** Who takes part, of the subjects that are there. */
  readonly contestants: (subjects: readonly Subject[]) => readonly Contestant[]
  /** How many cores the subject is to have for itself, default 1; with 2, where there are fewer than 4, all have all. */
  readonly cores?: 1 | 2
  /** What the ratios are to. */
  readonly against: readonly Reference[]
  /** Said under the table. */
  readonly notes?: readonly string[]
  /** Asks one contestant by content; rejects with what is wrong. Runs before each measurement. */
  readonly verify: (origin: string, contestant: Contestant) => Promise<void>
  /** So that the first round finds compiled code and open connections. */
  readonly warmUp: (running: Running) => Promise<void>
  /** Runs once after all have warmed up; what it resolves with is said under the table. */
  readonly prepare?: (running: readonly Running[]) => Promise<string | undefined>
  /** One measurement; `seconds` is how long the load lasts. */
  readonly measure: (running: Running, seconds: number) => Promise<Sample>
  /** What the figures say together, under the table. */
  readonly conclude?: (rows: readonly Row[]) => readonly string[]
}

/** A column of ratios. */
export interface Reference {
  readonly heading: string
  /** The name of the contestant that `contestant` is compared with. */
  readonly of: (contestant: Contestant) => string
  /** What of them is compared; default the first figure. */
  readonly figure?: Figure
}

/** The references of most scenarios: an nginx worker, and bare http-proxy-middleware. */
export const nginxAndHpm: readonly Reference[] = [
  { heading: 'vs nginx', of: () => 'nginx' },
  { heading: 'vs hpm', of: () => 'hpm' },
]

/** Each subject once, as it is. */
export function eachOnce(subjects: readonly Subject[]): readonly Contestant[] {
  return subjects.map((subject) => ({ name: subject.name, subject }))
}
