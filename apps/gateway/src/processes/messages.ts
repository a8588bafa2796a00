import type { Counts, Verdict } from '@rondo/balancer'
import type { Config } from '../config/config.ts'
import type { Deed } from '../deeds.ts'
import type { Fault } from './faults.ts'

/** The file descriptor of a serving process's journal. */
export const JOURNAL = 4

/** What the leading process says to one that serves; who is asked something with an `id` answers under it. */
export type Order =
  /** Makes ready to go by a config. */
  | { readonly kind: 'prepare'; readonly id: number; readonly config: Config }
  /** Goes by what it was made ready for, and by what is to be known beside it. */
  | { readonly kind: 'take'; readonly briefing: readonly Order[] }
  /** Lets go of what it was made ready for. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'verdicts'; readonly verdicts: ReadonlyMap<string, readonly Verdict[]> }
  | { readonly kind: 'deed'; readonly deed: Deed }
  /** Answers by a summary. */
  | { readonly kind: 'report'; readonly id: number }
  /** Has at most so many connections, by listener. */
  | { readonly kind: 'share'; readonly share: Readonly<Record<string, number>> }
  /** Takes nothing new, and ends when all is over, as a frontend closes. */
  | { readonly kind: 'end'; readonly id: number; readonly bound: number; readonly idle: number }
  /** The answer to `show`. */
  | ({ readonly kind: 'shown'; readonly id: number } & Partial<Shown>)

/** What a process that serves says to the leading one. */
export type Reply =
  /** An order is carried out, or it cannot be; of `end`, whether all ended by itself. */
  | { readonly kind: 'done'; readonly id: number; readonly fault?: Fault; readonly isWhole?: boolean }
  | { readonly kind: 'note'; readonly note: Note }
  /** Asks for the metrics of all. */
  | { readonly kind: 'show'; readonly id: number; readonly accept: string | undefined }

/** Metrics, ready to be sent. */
export interface Shown {
  readonly contentType: string
  readonly body: string
}

/** What a process has counted. Any summary is a sign of life. */
export interface Note {
  /** Its number, from 1 on; or of a line of the journal, that of the summary to come. */
  readonly summary: number
  /** By pool, what was counted since the last. */
  readonly counts?: Readonly<Record<string, Counts>>
  /** By listener and kind, how many connections were refused since the last. */
  readonly refused?: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly report?: Report
}

/** How a process is at the moment. */
export interface Report {
  /** Of the order; 0 for none. */
  readonly id: number
  readonly rss: number
  /** By listener. */
  readonly connections: Readonly<Record<string, number>>
}
