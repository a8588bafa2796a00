import type { Drained, OwnCount, Pool } from '@rondo/balancer'
import type { Config } from './config/config.ts'
import type { TcpListen } from './config/tcp-config.ts'
import type { Deed } from './deeds.ts'
import type { Listening, Prepared } from './listeners.ts'

/** A process that takes traffic. */
export interface ServingStats {
  /** Its place: another that takes it has the same. */
  readonly number: number
  readonly pid: number
  readonly state: 'starting' | 'serving' | 'ending'
  /** In ms since 1970. */
  readonly startedAt: number
  /** Bytes of memory that it has, code that processes share included. */
  readonly rss: number
  /** Connections of clients. */
  readonly connections: number
  /** How often its event loop stood still for too long. */
  readonly stalls: number
}

/** What takes traffic for a gateway, and goes by its config: this process, or several others. */
export interface Frontend {
  /** The pools by name, with all that is counted of them. */
  readonly pools: ReadonlyMap<string, Pool>
  readonly listeners: readonly Listening[]
  /** Those whose connections are carried as they are. */
  readonly tcp: readonly Listening<TcpListen>[]
  readonly processes: readonly ServingStats[]
  /** Counts beside those of the pools. */
  counts(): OwnCount[]
  /** Resolves when all that was done until now is in force, and all that was counted is in `pools` and the others. */
  settle(): Promise<void>
  /**
   * Makes ready to go by a config. When that is taken, what it does not change goes on, workers and listeners that it
   * does not name end what they have.
   * @throws OptionError for an address or a log file that cannot be opened, or RefusalError for what another process
   * cannot; nothing is changed then.
   */
  prepare(config: Config): Promise<Prepared>
  /**
   * Does what an operator wants; `config` is what is in force with it, where that changes. Resolves, where a worker is
   * drained, when that is over. @throws OptionError as `perform` of `deeds.ts` does.
   */
  perform(deed: Deed, config?: Config): Promise<Drained> | undefined
  /**
   * Takes nothing new; resolves with whether all that was in flight ended within `bound` ms, and was not cut.
   * Connections without a request may bring one for `idle` ms. Default 0.
   */
  close(bound: number, idle?: number): Promise<boolean>
}
