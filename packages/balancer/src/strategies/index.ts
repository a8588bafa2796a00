import { OptionError } from '../errors.ts'
import { roundRobin } from './round-robin.ts'
import type { Strategy } from './strategy.ts'

/** The name of a strategy that comes with the package. */
export type StrategyName = 'round-robin'

/** The strategies by name. A new one is a file beside this and a row here; the contract suite tests every row. */
export const strategies: Readonly<Record<StrategyName, () => Strategy>> = {
  'round-robin': roundRobin,
}

/** @throws OptionError that lists the known names. */
export function toStrategy(strategy: StrategyName | Strategy): Strategy {
  if (typeof strategy === 'function') return strategy
  if (Object.hasOwn(strategies, strategy)) return strategies[strategy]()
  const known = Object.keys(strategies).join('", "')
  throw new OptionError('strategy', strategy, `is unknown; use "${known}", or a function of your own`)
}
