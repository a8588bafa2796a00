import type { Figure, Figures } from './sample.ts'

/** What is known of one contestant after a scenario. */
export interface Row {
  readonly name: string
  readonly label: string
  /** Of the package or program; absent for what belongs to this repository. */
  readonly version?: string
  /** Medians over the rounds. */
  readonly figures: Figures
  /** By heading: the median of the per-round ratios of the first figure, or of the one that the heading names. */
  readonly ratios: Readonly<Record<string, number>>
  /** Over all rounds; more than none means that the figures are not to be trusted. */
  readonly errors: number
  /** What the first error was. */
  readonly why?: string
}

/** A scenario's result, as it is kept in JSON. Nothing in it tells whose machine it was. */
export interface ScenarioResult {
  readonly name: string
  readonly title: string
  /** Day of the measurement, in UTC: YYYY-MM-DD. */
  readonly date: string
  /** Where it was measured: versions and kinds, no names. */
  readonly machine: Machine
  /** What made the load, and what the backends ran on; both empty where there was neither. */
  readonly load: string
  readonly backends: string
  readonly rounds: number
  readonly seconds: number
  readonly unit: 'request' | 'message' | 'connection' | 'MB' | 'pick'
  readonly better: 'more' | 'less'
  readonly figures: readonly Figure[]
  readonly headings: readonly string[]
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
}

export interface Machine {
  readonly node: string
  readonly os: string
  readonly cores: number
  /** Whether the subject had a core for itself, and load and backends another. */
  readonly pinned: boolean
  /** How many the subject had for itself, and load and backends too, if more than one. */
  readonly each?: number
}
