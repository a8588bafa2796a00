import { OptionError } from '../errors.ts'
import { hash, type HashOptions } from './hash.ts'
import { ipHash } from './ip-hash.ts'
import { leastConnections } from './least-connections.ts'
import { leastResponseTime } from './least-response-time.ts'
import { randomTwoChoices } from './random-two-choices.ts'
import { roundRobin } from './round-robin.ts'
import type { Strategy } from './strategy.ts'
import { weightedRoundRobin } from './weighted-round-robin.ts'

/** The name of a strategy that comes with the package. */
export type StrategyName =
  | 'round-robin'
  | 'weighted-round-robin'
  | 'least-connections'
  | 'least-response-time'
  | 'random-two-choices'
  | 'ip-hash'

/** A strategy as the options have it: a name, `{ hash }` with what to hash by, or a function. */
export type StrategyOption = StrategyName | { readonly hash: HashOptions } | Strategy

/** The strategies by name. A new one is a file beside this and a row here; the contract suite tests every row. */
export const strategies: Readonly<Record<StrategyName, (chance?: { random?: () => number }) => Strategy>> = {
  'round-robin': roundRobin,
  'weighted-round-robin': weightedRoundRobin,
  'least-connections': leastConnections,
  'least-response-time': leastResponseTime,
  'random-two-choices': randomTwoChoices,
  'ip-hash': ipHash,
}

const HASH = '{ hash: { by: "header", name: "x-user" } }'

/** @throws OptionError that lists the known names. */
export function toStrategy(strategy: StrategyOption): Strategy {
  if (typeof strategy === 'function') return strategy
  if (typeof strategy === 'object' && strategy !== null && 'hash' in strategy) return hash(strategy.hash)
  if (typeof strategy === 'string' && Object.hasOwn(strategies, strategy)) return strategies[strategy]()
  if ((strategy as string) === 'hash')
    throw new OptionError('strategy', strategy, `does not say by what; write ${HASH}`)
  const known = Object.keys(strategies).join('", "')
  throw new OptionError(
    'strategy',
    strategy,
    `is unknown; use "${known}", ${HASH}, or a function of your own`,
  )
}
