import type { ScenarioResult } from '../result.ts'
import { measurePicks } from './picks.ts'
import { runSimulations } from './simulations.ts'

/** What is measured of the strategies by themselves, without servers. The first is what it is asked for by. */
export const STRATEGIES = ['strategies', 'strategies-calm', 'strategies-busy'] as const

/** In under a minute. */
export function* measureStrategies(rounds: number): Generator<ScenarioResult> {
  yield measurePicks(rounds)
  yield* runSimulations()
}
