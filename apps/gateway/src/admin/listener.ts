import { say } from '../access-log.ts'
import type { Config } from '../config/config.ts'
import type { Gateway } from '../gateway.ts'
import { Listeners, serveHttp, type Listener, type Prepared } from '../listeners.ts'
import { createAdminServer } from './server.ts'

/** An operator, a scraper and probes need few. */
const CONNECTIONS = 100

/** The listener of the admin API, if there is one. */
export class AdminListener {
  readonly #listeners: Listeners
  #isWithout = false

  constructor(gateway: Gateway) {
    this.#listeners = new Listeners(
      (current) => serveHttp(createAdminServer(gateway, current), () => undefined),
      'admin.listen',
    )
  }

  get current(): Listener | undefined {
    return this.#listeners.all[0]
  }

  /**
   * Opens it where a config says, as `Listeners` does. An address that nobody asked for may be taken: then there is none,
   * which is said once.
   * @throws OptionError for an address that cannot be listened on; nothing is changed then.
   */
  async prepare({ admin }: Config): Promise<Prepared> {
    if (!admin) return this.#listeners.prepare([])
    try {
      const prepared = await this.#listeners.prepare([admin.listen])
      this.#isWithout = false
      return prepared
    } catch (error) {
      if (!admin.isDefault) throw error
      const why = error instanceof Error ? error.message : String(error)
      if (!this.#isWithout) say(`warning: the gateway goes on without its admin API: ${why}`)
      this.#isWithout = true
      return this.#listeners.prepare([])
    }
  }

  /** Holds it to the limits of a config, but for the number of connections. */
  limit(limits: Config['limits']): void {
    this.#listeners.limit({ ...limits, connections: CONNECTIONS })
  }

  /** Takes nothing new, and cuts after `bound` ms what goes on. */
  async close(bound: number): Promise<void> {
    await this.#listeners.close(bound)
  }
}
