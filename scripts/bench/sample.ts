/**
 * What can be measured: answers or messages a second, percentiles in ms, the subject's CPU in µs per answer and as
 * a share of one core, its memory in bytes: resident, and held: by each connection that is kept open. Of strategies:
 * ns for a pick among so many workers, and the share of requests that slow workers got. Of several processes: the
 * leading one's share of their CPU, the busiest one's of that of those that serve, the CPU of load and backends in µs
 * per answer, answers a second if each had a core of its own; and memory that is their own or their part of what is
 * shared (Pss), or resident (RSS): of all, of the leading one, of each that serves.
 */
export type Figure =
  | 'perSecond'
  | 'p50'
  | 'p99'
  | 'p999'
  | 'cpu'
  | 'share'
  | 'rss'
  | 'held'
  | `among${3 | 100 | 1000 | 10000}`
  | 'slow'
  | 'led'
  | 'busiest'
  | 'beside'
  | 'room'
  | `pss${'' | 'Led' | 'Each'}`
  | `rss${'Led' | 'Each'}`

/** The figures of one measurement. */
export type Figures = Partial<Readonly<Record<Figure, number>>>

/** One measurement of one subject. */
export interface Sample {
  readonly figures: Figures
  /** Requests that failed, were answered wrongly, or never. */
  readonly errors: number
  /** What the first error was. */
  readonly why?: string
}

/** A measurement that could not be made at all. */
export function failed(error: unknown): Sample {
  return { figures: {}, errors: 1, why: error instanceof Error ? error.message : String(error) }
}
