import { isDeepStrictEqual } from 'node:util'
import { toBreaker, type BreakerOptions } from './breaker.ts'
import { toDrain, type DrainOptions } from './drain.ts'
import { toFailover, type Failover, type FailoverOptions } from './failover.ts'
import { toHealth, type Health, type HealthOptions } from './health/options.ts'
import { toLimits, type Limits } from './limits.ts'
import { Sticky, type StickyOptions } from './sticky.ts'
import { toStrategy, type StrategyOption } from './strategies/index.ts'
import type { Strategy } from './strategies/strategy.ts'
import { toTls, type Tls, type TlsOptions } from './tls.ts'
import { checkDuration, toKeepAlive, toTimeouts, type KeepAlive, type Timeouts } from './timeouts.ts'

export interface PoolOptions {
  /** Who gets the next request: a name, `{ hash }`, or a function of your own. Default `round-robin`. */
  readonly strategy?: StrategyOption
  /** How liveness is polled. */
  readonly health?: HealthOptions
  /** When a request goes on to another worker. */
  readonly failover?: FailoverOptions
  /** How long the parts of an exchange may take. */
  readonly timeouts?: Partial<Timeouts>
  /** How much a client may send. */
  readonly limits?: Partial<Limits>
  /** How connections to workers are kept. */
  readonly keepAlive?: Partial<KeepAlive>
  /** How workers are spoken to whose URL begins with `https:` or `tls:`. Default: their certificates are verified by who Node trusts. */
  readonly tls?: TlsOptions
  /** Keeps sessions with their worker by a cookie. Default off. */
  readonly sticky?: StickyOptions
  /** Pauses workers that live but fail. Default off. */
  readonly breaker?: BreakerOptions
  /** Over what time the weight of a worker that comes, or comes back, grows to its full size, in ms. Default off. */
  readonly slowStart?: number
  /** How workers are drained, where a call says nothing else. */
  readonly drain?: DrainOptions
}

/** The options, checked and whole. */
export interface Settings {
  readonly health: Health
  readonly strategy: Strategy
  readonly failover: Failover
  readonly timeouts: Timeouts
  readonly limits: Limits
  readonly keepAlive: KeepAlive
  readonly tls: Tls
  readonly drain: Required<DrainOptions>
  readonly sticky: Sticky | undefined
  readonly breaker: Required<BreakerOptions> | undefined
  readonly slowStart: number | undefined
}

/**
 * @param before What was given before, and what came of it: strategies and sessions that are still wanted go on.
 * @param isTcp Whether it is for a pool of workers for TCP.
 * @throws OptionError for the first that is bad.
 */
export function toSettings(
  options: PoolOptions,
  before?: { readonly options: PoolOptions; readonly settings: Settings },
  isTcp = false,
): Settings {
  const {
    strategy = 'round-robin',
    failover,
    timeouts,
    limits,
    keepAlive,
    drain,
    sticky,
    breaker,
    slowStart,
  } = options
  if (slowStart !== undefined) checkDuration('slowStart', slowStart)
  const isAsBefore = (name: keyof PoolOptions & keyof Settings): boolean =>
    before !== undefined && isDeepStrictEqual(options[name], before.options[name])
  const tls = before && isAsBefore('tls') ? before.settings.tls : toTls(options.tls)
  return {
    health: toHealth(options.health, tls, isTcp),
    strategy: before && isAsBefore('strategy') ? before.settings.strategy : toStrategy(strategy),
    failover: toFailover(failover),
    timeouts: toTimeouts(timeouts),
    limits: toLimits(limits),
    keepAlive: toKeepAlive(keepAlive),
    tls,
    drain: toDrain('drain.', drain),
    sticky: before && isAsBefore('sticky') ? before.settings.sticky : sticky && new Sticky(sticky),
    breaker: breaker && toBreaker(breaker),
    slowStart,
  }
}
