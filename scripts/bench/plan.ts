import type { Wishes } from './arguments.ts'

/** How a scenario is measured. */
export interface Plan {
  readonly rounds: number
  /** Seconds of load a measurement. */
  readonly seconds: number
  /** No round is begun that would probably end later than so many seconds after the scenario's start. */
  readonly bound: number
}

/** What the whole run may take, in seconds: the three default scenarios under five minutes, `--quick` under one. */
const BUDGET = { default: 288, quick: 54 } as const
/** For a scenario that was asked for by name. */
const NAMED = 240
const ROUNDS = 5
const LONGEST = 4
/** Seconds to start and to warm up: once, and per contestant. */
const START = 4
const WARM_UP = 1.3

/** Rounds and seconds that fit into the time there is; what was asked for comes first. */
export function planFor(
  wishes: Pick<Wishes, 'rounds' | 'seconds' | 'quick' | 'scenarios'>,
  size: { readonly scenarios: number; readonly contestants: number; readonly around: number },
): Plan {
  const { contestants, around } = size
  const share = wishes.quick ? BUDGET.quick / size.scenarios : BUDGET.default / size.scenarios
  const named = wishes.scenarios.length > 0 && !wishes.quick
  const bound = named ? Math.max(NAMED, share) : share
  const left = bound - START - WARM_UP * contestants
  const rounds =
    wishes.rounds ?? Math.max(1, Math.min(ROUNDS, Math.floor(left / (contestants * (1 + around)))))
  const each = Math.floor(left / (contestants * rounds) - around)
  const seconds = wishes.seconds ?? Math.max(1, Math.min(LONGEST, each))
  const asked = START + contestants * (WARM_UP + rounds * (seconds + around))
  const isAsked = wishes.rounds !== undefined || wishes.seconds !== undefined
  return { rounds, seconds, bound: isAsked ? Math.max(bound, 2 * asked) : bound }
}
