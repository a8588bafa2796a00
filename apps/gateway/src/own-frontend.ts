import {
  metrics,
  toTrust,
  type Drained,
  type Middleware,
  type OwnCount,
  type Pool,
  type Trust,
} from '@rondo/balancer'
import type { Express } from 'express'
import { createApp, type Serving } from './app.ts'
import type { Config } from './config/config.ts'
import type { TcpListen } from './config/tcp-config.ts'
import { perform, type Deed } from './deeds.ts'
import type { Frontend, ServingStats } from './frontend.ts'
import { Listeners, prepareAll, serveHttp, type Listener, type Prepared } from './listeners.ts'
import { openLog } from './log.ts'
import { OwnStalls } from './own-stalls.ts'
import { loadForwarders, openPools, polledPool, type OpenPool, type Running } from './pools.ts'
import { processCounts } from './process-counts.ts'
import { refusalsOf } from './refusals.ts'
import { createRouter } from './routes.ts'
import { createGatewayServer, type Handlers } from './server.ts'
import { carryBy } from './tcp-carrier.ts'
import { TcpServer } from './tcp-server.ts'
import { serveUpgrade } from './traffic.ts'

/** All that a config decides of traffic, in one place: a reload puts another in its place in one step. */
interface State extends Serving {
  readonly config: Config
}

/** What may be otherwise where other processes take traffic too. */
export interface OwnFrontendOptions {
  /** Makes pools. Default ones that poll their workers, and have changes of liveness logged. */
  readonly openPool?: OpenPool
  /** Answers `/metrics`. Default with what this process knows. */
  readonly answerMetrics?: Middleware
  /** Whether this process's event loop stands still. Default found out, and said. */
  readonly stalls?: Pick<OwnStalls, 'count' | 'close'>
}

/** Traffic is taken by this process. */
export class OwnFrontend implements Frontend {
  readonly #app: Express
  readonly #listeners: Listeners
  readonly #tcp: Listeners<TcpListen, TcpServer>
  readonly #openPool: OpenPool
  readonly #startedAt = Date.now()
  #connections = 0
  readonly #stalls: Pick<OwnStalls, 'count' | 'close'>
  #state: State | undefined
  /** Resolves when the logs that were closed have all their lines. */
  #written: Promise<unknown> = Promise.resolve()

  constructor({ openPool = polledPool, answerMetrics, stalls = new OwnStalls() }: OwnFrontendOptions = {}) {
    this.#openPool = openPool
    this.#stalls = stalls
    this.#app = createApp(
      () => this.#state as State,
      answerMetrics ?? metrics(() => this.pools, { counts: () => this.counts() }),
    )
    const handlers: Handlers = {
      // Connections are taken when there is a state.
      onRequest: (req, res) => this.#app(req, res),
      onUpgrade: (req, socket, head) => serveUpgrade(this.#state as State, req, socket, head),
      onOver: (entry) => this.#state?.log.upgrade(entry),
    }
    const trust = (): Trust | undefined => this.#state?.trust
    this.#listeners = new Listeners((current) => serveHttp(createGatewayServer(handlers, current), trust))
    this.#tcp = new Listeners<TcpListen, TcpServer>(() => new TcpServer(trust), 'tcp.listen')
  }

  get pools(): ReadonlyMap<string, Pool> {
    return this.#state?.pools ?? new Map()
  }

  get listeners(): readonly Listener[] {
    return this.#listeners.all
  }

  get tcp(): readonly Listener<TcpListen, TcpServer>[] {
    return this.#tcp.all
  }

  get processes(): readonly ServingStats[] {
    const { pid } = process
    const rss = process.memoryUsage.rss()
    const connections = this.#connections
    const stalls = this.#stalls.count
    return [{ number: 1, pid, state: 'serving', startedAt: this.#startedAt, rss, connections, stalls }]
  }

  counts(): OwnCount[] {
    return [refusalsOf(this), ...processCounts(1, 0, this.#stalls.count)]
  }

  async settle(): Promise<void> {
    const all = await Promise.all([...this.listeners, ...this.tcp].map(({ served }) => served.connections()))
    this.#connections = all.reduce((sum, count) => sum + count, 0)
  }

  async prepare(config: Config): Promise<Prepared> {
    const forwarders = await loadForwarders(config)
    const log = openLog(config.log)
    const closeLog = (): void => void log.close()
    const next = await prepareAll([
      () => this.#listeners.prepare(config.listen),
      () => this.#tcp.prepare(config.tcp),
    ]).catch((error: unknown) => {
      closeLog()
      throw error
    })
    return {
      drop() {
        next.drop()
        closeLog()
      },
      take: (bound) => {
        const before = this.#state
        const { pools: running, letGo } = openPools(config, before, { open: this.#openPool, forwarders })
        this.#state = {
          config,
          running,
          pools: new Map(Array.from(running, ([name, { pool }]) => [name, pool])),
          router: createRouter(config.routes),
          trust: toTrust(config.trustedProxies),
          log,
          hasMetrics: config.metrics,
        }
        this.#app.set('trust proxy', [...config.trustedProxies])
        next.take(bound)
        for (const listener of this.#tcp.all)
          carryBy(listener, this.pools, (entry) => this.#state?.log.connection(entry))
        this.#listeners.limit(config.limits)
        if (before) this.#written = Promise.all([this.#written, before.log.close()])
        letGo()
      },
    }
  }

  perform(deed: Deed): Promise<Drained> | undefined {
    return perform(this.pools, deed)
  }

  async close(bound: number, idle?: number): Promise<boolean> {
    this.#stalls.close()
    const { running = new Map<string, Running>(), log } = this.#state ?? {}
    const wholes = await Promise.all([this.#listeners.close(bound, idle), this.#tcp.close(bound)])
    const rest = { timeout: 1000 } // all is over; what was cut ends in a moment
    await Promise.all(Array.from(running.values(), async ({ balance }) => balance?.close(rest)))
    await Promise.all(Array.from(running.values(), ({ pool }) => pool.close(rest)))
    await Promise.all([this.#written, log?.close()])
    return wholes.every(Boolean)
  }
}
