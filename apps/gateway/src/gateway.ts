import type { Socket } from 'node:net'
import { served, toTrust, type Trust } from '@rondo/balancer'
import type { Express, RequestHandler } from 'express'
import { createApp, type Serving } from './app.ts'
import { isCertificateTold } from './arrival.ts'
import { tellCertificate } from './client-cert.ts'
import type { Config } from './config/config.ts'
import type { Route } from './config/route-schema.ts'
import { Listeners, type Listener } from './listeners.ts'
import { openLog } from './log.ts'
import { loadForwarders, openPools, type Running } from './pools.ts'
import type { Reloaded } from './reload.ts'
import { createRouter, type Router } from './routes.ts'
import { give, giveUpgrade, NOWHERE, ownAnswer, prepare } from './serve-route.ts'
import { createGatewayServer, type Handlers } from './server.ts'

/** All that a config decides, in one place: a reload puts another in its place in one step. */
interface State extends Serving {
  readonly config: Config
  readonly running: ReadonlyMap<string, Running>
  readonly router: Router
  /** Whose word on where a request comes from is believed; undefined for nobody's. */
  readonly trust: Trust | undefined
}

/** The gateway: listeners, routes and pools, which a new config changes under load. */
export class Gateway {
  readonly #app: Express
  readonly #listeners: Listeners
  #state: State | undefined
  #applying: Promise<void> = Promise.resolve()
  /** Resolves when the logs that were closed have all their lines. */
  #written: Promise<unknown> = Promise.resolve()
  #isClosing = false
  /** How the last reload went; undefined before the first. */
  reloaded: Reloaded | undefined

  constructor() {
    this.#app = createApp(() => this.#state as State)
    const handlers: Handlers = {
      // Who is there before the last of the first listeners is open has to come again.
      onRequest: (req, res) => (this.#state ? this.#app(req, res) : req.destroy()),
      onUpgrade: this.#upgrade,
      onOver: (entry) => this.#state?.log.upgrade(entry),
    }
    this.#listeners = new Listeners((current) => createGatewayServer(handlers, current))
  }

  get listeners(): readonly Listener[] {
    return this.#listeners.all
  }

  get config(): Config | undefined {
    return this.#state?.config
  }

  /** The pools by name. */
  get pools(): Serving['pools'] {
    return this.#state?.pools ?? new Map()
  }

  /**
   * Becomes what a config says, one after the other: what it does not change goes on, workers and listeners that it does
   * not name end what they have. A function is asked for the config when it is its turn: the last to be called decides.
   * @throws What the function throws, and OptionError for an address or a log file that cannot be opened; nothing is
   * changed then.
   */
  apply(config: Config | (() => Promise<Config>)): Promise<void> {
    const applied = this.#applying.then(async () =>
      this.#apply(typeof config === 'function' ? await config() : config),
    )
    this.#applying = applied.catch(() => {})
    return applied
  }

  async #apply(config: Config): Promise<void> {
    if (this.#isClosing) throw new Error('the gateway is shutting down')
    const forwarders = await loadForwarders(config)
    const log = openLog(config.log)
    const next = await this.#listeners.prepare(config.listen).catch((error: unknown) => {
      void log.close()
      throw error
    })
    const before = this.#state
    const { pools: running, letGo } = openPools(
      config,
      before && { config: before.config, pools: before.running },
      forwarders,
    )
    this.#state = {
      config,
      running,
      pools: new Map(Array.from(running, ([name, { pool }]) => [name, pool])),
      router: createRouter(config.routes),
      trust: toTrust(config.trustedProxies),
      log,
      hasMetrics: config.metrics,
      route: this.#route,
    }
    this.#app.set('trust proxy', [...config.trustedProxies])
    next.take(config.shutdown)
    this.#listeners.limit(config.limits)
    if (before) this.#written = Promise.all([this.#written, before.log.close()])
    letGo()
  }

  /**
   * Stops accepting and finishes what is in flight; resolves with whether nothing had to be cut after the config's time
   * for a shutdown.
   */
  async close(): Promise<boolean> {
    this.#isClosing = true
    await this.#applying
    const { config, running = new Map<string, Running>(), log } = this.#state ?? {}
    const whole = await this.#listeners.close(config?.shutdown ?? 0)
    const rest = { timeout: 1000 } // all is over; what was cut ends in a moment
    await Promise.all(Array.from(running.values(), ({ balance }) => balance.close(rest)))
    await Promise.all(Array.from(running.values(), ({ pool }) => pool.close(rest)))
    await Promise.all([this.#written, log?.close()])
    return whole
  }

  readonly #route: RequestHandler = (req, res, next) => {
    const { router, running, trust } = this.#state as State
    tellCertificate(req, isCertificateTold(req), trust)
    const route = router(req)
    if (!route) return next()
    const answer = ownAnswer(req, route)
    if (answer) return give(answer, req, res)
    prepare(req, route)
    return void running.get(route.pool as string)?.balance(req, res, next)
  }

  readonly #upgrade: Handlers['onUpgrade'] = async (req, socket, head) => {
    if (!this.#state) {
      socket.destroy()
      return undefined
    }
    const { router, running, trust } = this.#state
    tellCertificate(req, isCertificateTold(req), trust)
    const route = router(req)
    const answer = route ? ownAnswer(req, route) : NOWHERE
    if (answer) {
      giveUpgrade(answer, req, socket as Socket)
      return answer.status
    }
    prepare(req, route as Route)
    await running.get(route?.pool as string)?.balance.upgrade(req, socket, head)
    return served(req)?.status
  }
}
