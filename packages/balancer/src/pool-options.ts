import { toDrain, type DrainOptions } from './drain.ts'
import { toFailover, type Failover, type FailoverOptions } from './failover.ts'
import type { HealthOptions } from './health/poller.ts'
import { toStrategy, type StrategyName } from './strategies/index.ts'
import type { Strategy } from './strategies/strategy.ts'
import { toKeepAlive, toTimeouts, type KeepAlive, type Timeouts } from './timeouts.ts'

export interface PoolOptions {
  /** Who gets the next request: a name, or a function of your own. Default `round-robin`. */
  readonly strategy?: StrategyName | Strategy
  /** How liveness is polled. */
  readonly health?: HealthOptions
  /** When a request goes on to another worker. */
  readonly failover?: FailoverOptions
  /** How long the parts of an exchange may take. */
  readonly timeouts?: Partial<Timeouts>
  /** How connections to workers are kept. */
  readonly keepAlive?: Partial<KeepAlive>
  /** How workers are drained, where a call says nothing else. */
  readonly drain?: DrainOptions
}

/** The options but health, checked and whole. */
export interface Settings {
  readonly strategy: Strategy
  readonly failover: Failover
  readonly timeouts: Timeouts
  readonly keepAlive: KeepAlive
  readonly drain: Required<DrainOptions>
}

/** @throws OptionError for the first that is bad. */
export function toSettings(options: PoolOptions): Settings {
  const { strategy = 'round-robin', failover, timeouts, keepAlive, drain } = options
  return {
    strategy: toStrategy(strategy),
    failover: toFailover(failover),
    timeouts: toTimeouts(timeouts),
    keepAlive: toKeepAlive(keepAlive),
    drain: toDrain('drain.', drain),
  }
}
