import { HttpError, OptionError, toTrust, type Drained, type DrainOptions, type Trust } from '@rondo/balancer'
import type { Express } from 'express'
import { say } from './access-log.ts'
import { AdminListener } from './admin/listener.ts'
import { createApp, type Serving } from './app.ts'
import type { Config } from './config/config.ts'
import type { TcpListen } from './config/tcp-config.ts'
import { applyEdits, withEdit, type Edit } from './edits.ts'
import { Listeners, prepareAll, serveHttp, type Listener } from './listeners.ts'
import { openLog } from './log.ts'
import { refusalsOf } from './refusals.ts'
import { loadForwarders, openPools, type Running } from './pools.ts'
import { sentence, word } from './printable.ts'
import type { Reloaded } from './reload.ts'
import { createRouter } from './routes.ts'
import { createGatewayServer, type Handlers } from './server.ts'
import { carryBy } from './tcp-carrier.ts'
import { TcpServer } from './tcp-server.ts'
import { serveUpgrade } from './traffic.ts'

/** All that a config decides, in one place: a reload puts another in its place in one step. */
interface State extends Serving {
  /** The file with the edits. */
  readonly config: Config
  readonly file: Config
  readonly edits: readonly Edit[]
}

/** Where a gateway's configs come from. */
export interface Origin {
  /** The path of its config file; undefined for none. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
}

/** Why nothing is changed any more. */
const STOPPING = 'the gateway is shutting down'

/** How many reloads are remembered. */
const REMEMBERED = 20

/** The gateway: listeners, routes and pools, which a new config changes under load. */
export class Gateway {
  readonly #app: Express
  readonly #listeners: Listeners
  readonly #tcp: Listeners<TcpListen, TcpServer>
  readonly #admin: AdminListener
  readonly origin: Origin
  /** In ms since 1970. */
  readonly startedAt = Date.now()
  #state: State | undefined
  /** Resolves when the last of the deeds that take turns is over. */
  #lastTurn: Promise<unknown> = Promise.resolve()
  /** Resolves when the logs that were closed have all their lines. */
  #written: Promise<unknown> = Promise.resolve()
  #isStopping = false
  #reloads: readonly Reloaded[] = []
  /** Called after each reload, whoever asked for it. */
  onReload: (reloaded: Reloaded) => void = () => {}

  constructor(origin: Origin = { env: {} }) {
    this.origin = origin
    this.#app = createApp(
      () => this.#state as State,
      () => refusalsOf(this),
    )
    const handlers: Handlers = {
      // At the start a listener may be open before the state is there, while the others are being opened.
      onRequest: (req, res) => (this.#state ? this.#app(req, res) : req.destroy()),
      onUpgrade: async (req, socket, head) =>
        this.#state ? serveUpgrade(this.#state, req, socket, head) : void socket.destroy(),
      onOver: (entry) => this.#state?.log.upgrade(entry),
    }
    const trust = (): Trust | undefined => this.#state?.trust
    this.#listeners = new Listeners((current) => serveHttp(createGatewayServer(handlers, current), trust))
    this.#tcp = new Listeners<TcpListen, TcpServer>(() => new TcpServer(trust), 'tcp.listen')
    this.#admin = new AdminListener(this)
  }

  get listeners(): readonly Listener[] {
    return this.#listeners.all
  }

  /** Those whose connections are carried as they are. */
  get tcp(): readonly Listener<TcpListen, TcpServer>[] {
    return this.#tcp.all
  }

  /** The listener of the admin API, if it is open. */
  get admin(): Listener | undefined {
    return this.#admin.current
  }

  /** What is in force: the file with the edits of its workers; undefined before the first. */
  get config(): Config | undefined {
    return this.#state?.config
  }

  /** What holds beside the file. */
  get edits(): readonly Edit[] {
    return this.#state?.edits ?? []
  }

  /** How the last reloads went, the newest last. */
  get reloads(): readonly Reloaded[] {
    return this.#reloads
  }

  /** Whether it takes nothing new, and ends when all is over. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  /** The pools by name. */
  get pools(): Serving['pools'] {
    return this.#state?.pools ?? new Map()
  }

  /** Remembers how a reload went, and tells `onReload`. */
  note(reloaded: Reloaded): void {
    this.#reloads = [...this.#reloads, reloaded].slice(-REMEMBERED)
    this.onReload(reloaded)
  }

  /**
   * Becomes what a config says, one after the other: what it does not change goes on, workers and listeners that it does
   * not name end what they have. Edits hold on where it says of their workers what the one before said. A function is
   * asked for the config when it is its turn: the last to be called decides.
   * @throws What the function throws, and OptionError for an address or a log file that cannot be opened; nothing is
   * changed then.
   */
  apply(config: Config | (() => Promise<Config>)): Promise<void> {
    return this.inTurn(async () => this.#apply(typeof config === 'function' ? await config() : config))
  }

  /** Does something between reloads and other such deeds, never amid one. @throws What it throws. */
  inTurn<T>(deed: () => T | Promise<T>): Promise<T> {
    const done = this.#lastTurn.then(() => {
      if (this.#isStopping) throw new HttpError(503, STOPPING)
      return deed()
    })
    this.#lastTurn = done.catch(() => {})
    return done
  }

  /**
   * Has a worker of a pool be another than the file says; with no `wanted` it is drained, and leaves. To be called `inTurn`.
   * Resolves, for a worker that leaves, when it has.
   * @throws OptionError for a worker that the pool cannot have; nothing is changed then.
   */
  edit(change: Omit<Edit, 'said'>, drain?: DrainOptions): Promise<Drained> | undefined {
    const state = this.#state as State
    const { config, edits, dropped } = applyEdits(state.file, withEdit(state.edits, state.file, change))
    const [refused] = dropped
    if (refused) throw new OptionError('worker', change.id, refused.why)
    const { pool } = state.running.get(change.pool) as Running
    const gone = change.wanted ? undefined : pool.remove(change.id, drain)
    if (change.wanted) pool.update(config.pools.get(change.pool)?.workers ?? [])
    this.#state = { ...state, config, edits }
    return gone
  }

  /** What a file would make with the edits that hold now. */
  edited(file: Config): Config {
    return applyEdits(file, this.edits).config
  }

  async #apply(file: Config): Promise<void> {
    const { config, edits, dropped } = applyEdits(file, this.edits)
    const forwarders = await loadForwarders(config)
    const log = openLog(config.log)
    const next = await prepareAll([
      () => this.#listeners.prepare(config.listen),
      () => this.#tcp.prepare(config.tcp),
      () => this.#admin.prepare(config),
    ]).catch((error: unknown) => {
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
      file,
      edits,
      running,
      pools: new Map(Array.from(running, ([name, { pool }]) => [name, pool])),
      router: createRouter(config.routes),
      trust: toTrust(config.trustedProxies),
      log,
      hasMetrics: config.metrics,
    }
    this.#app.set('trust proxy', [...config.trustedProxies])
    next.take(config.shutdown)
    for (const listener of this.#tcp.all)
      carryBy(listener, this.pools, (entry) => this.#state?.log.connection(entry))
    this.#listeners.limit(config.limits)
    this.#admin.limit(config.limits)
    for (const { edit, why } of dropped)
      say(`the change of worker ${word(edit.id)} of ${edit.pool} holds no longer: ${sentence(why)}`)
    if (before) this.#written = Promise.all([this.#written, before.log.close()])
    letGo()
  }

  /**
   * Stops accepting and finishes what is in flight; resolves with whether nothing had to be cut after the config's time
   * for a shutdown.
   */
  async close(): Promise<boolean> {
    this.#isStopping = true
    await this.#lastTurn
    const { config, running = new Map<string, Running>(), log } = this.#state ?? {}
    const bound = config?.shutdown ?? 0
    const wholes = await Promise.all([this.#listeners.close(bound), this.#tcp.close(bound)])
    const rest = { timeout: 1000 } // all is over; what was cut ends in a moment
    await Promise.all(Array.from(running.values(), async ({ balance }) => balance?.close(rest)))
    await Promise.all(Array.from(running.values(), ({ pool }) => pool.close(rest)))
    await Promise.all([this.#written, log?.close(), this.#admin.close(rest.timeout)])
    return wholes.every(Boolean)
  }
}
