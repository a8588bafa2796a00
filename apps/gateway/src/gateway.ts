import { HttpError, OptionError, type Drained, type DrainOptions } from '@rondo/balancer'
import { say } from './access-log.ts'
import { AdminListener } from './admin/listener.ts'
import type { Config } from './config/config.ts'
import type { TcpListen } from './config/tcp-config.ts'
import type { Deed } from './deeds.ts'
import { applyEdits, withEdit, type Edit } from './edits.ts'
import type { Frontend } from './frontend.ts'
import { prepareAll, type Listener, type Listening } from './listeners.ts'
import { OwnFrontend } from './own-frontend.ts'
import { sentence, word } from './printable.ts'
import type { Reloaded } from './reload.ts'

/** What is in force: a reload puts another in its place in one step. */
interface State {
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

/** The gateway: a config that is in force, which a new one changes under load, and who takes traffic by it. */
export class Gateway {
  readonly frontend: Frontend
  readonly #admin: AdminListener
  readonly origin: Origin
  /** In ms since 1970. */
  readonly startedAt = Date.now()
  #state: State | undefined
  /** Resolves when the last of the deeds that take turns is over. */
  #lastTurn: Promise<unknown> = Promise.resolve()
  #isStopping = false
  #reloads: readonly Reloaded[] = []
  /** Called after each reload, whoever asked for it. */
  onReload: (reloaded: Reloaded) => void = () => {}

  constructor(origin: Origin = { env: {} }, frontend: Frontend = new OwnFrontend()) {
    this.origin = origin
    this.frontend = frontend
    this.#admin = new AdminListener(this)
  }

  get listeners(): readonly Listening[] {
    return this.frontend.listeners
  }

  /** Those whose connections are carried as they are. */
  get tcp(): readonly Listening<TcpListen>[] {
    return this.frontend.tcp
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
  get pools(): Frontend['pools'] {
    return this.frontend.pools
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
   * Has a worker of a pool be another than the file says; with no `wanted` it is drained, and leaves. To be called
   * `inTurn`. Resolves, for a worker that leaves, when it has.
   * @throws OptionError for a worker that the pool cannot have; nothing is changed then.
   */
  edit(change: Omit<Edit, 'said'>, drain?: DrainOptions): Promise<Drained> | undefined {
    const state = this.#state as State
    const { config, edits, dropped } = applyEdits(state.file, withEdit(state.edits, state.file, change))
    const [refused] = dropped
    if (refused) throw new OptionError('worker', change.id, refused.why)
    const { pool, id } = change
    const gone = this.frontend.perform(
      change.wanted
        ? { do: 'update', pool, workers: config.pools.get(pool)?.workers ?? [] }
        : { do: 'remove', pool, id, options: drain },
      config,
    )
    this.#state = { config, file: state.file, edits }
    return gone
  }

  /**
   * Does to a worker what leaves the config as it is. To be called `inTurn`. Resolves, for a drain, when that is over.
   * @throws OptionError for what cannot be done.
   */
  perform(deed: Deed): Promise<Drained> | undefined {
    return this.frontend.perform(deed)
  }

  /** What a file would make with the edits that hold now. */
  edited(file: Config): Config {
    return applyEdits(file, this.edits).config
  }

  async #apply(file: Config): Promise<void> {
    const { config, edits, dropped } = applyEdits(file, this.edits)
    const next = await prepareAll([() => this.frontend.prepare(config), () => this.#admin.prepare(config)])
    next.take(config.shutdown)
    this.#state = { config, file, edits }
    this.#admin.limit(config.limits)
    await this.frontend.settle() // what is said to be in force is
    for (const { edit, why } of dropped)
      say(`the change of worker ${word(edit.id)} of ${edit.pool} holds no longer: ${sentence(why)}`)
  }

  /**
   * Stops accepting and finishes what is in flight; resolves with whether nothing had to be cut after the config's time
   * for a shutdown.
   */
  async close(): Promise<boolean> {
    this.#isStopping = true
    await this.#lastTurn
    const isWhole = await this.frontend.close(this.config?.shutdown ?? 0)
    await this.#admin.close(1000)
    return isWhole
  }
}
