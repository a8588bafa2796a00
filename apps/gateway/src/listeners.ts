import type { Server } from 'node:http'
import { promisify } from 'node:util'
import { OptionError } from '@rondo/balancer'
import { inUrl, showAddress, type Address } from './config/address.ts'
import type { Config, Listen } from './config/config.ts'
import { Door } from './door.ts'
import { gracefully } from './shutdown.ts'

/** A server that listens. */
export interface Listener {
  /** Where, and how it is spoken to, as a config says it. */
  readonly address: Listen
  /** Where it listens: another than that of the address if that is 0. */
  readonly port: number
  readonly server: Server
  /** Stops accepting; resolves with whether all that was in flight ended within `bound` ms, and was not cut. */
  close(bound: number): Promise<boolean>
}

/** One that can be spoken to in another way, while it listens. */
interface Open extends Listener {
  address: Listen
  readonly door: Door
}

/** Listeners that are open, and not yet the gateway's. */
export interface Prepared {
  /** Makes them the gateway's. Those that it is to have no longer take nothing new, and are cut after `bound` ms. */
  readonly take: (bound: number) => void
  /** Closes them again. */
  readonly drop: () => void
}

/** What to do where an address cannot be had, by the option that names it. */
const MENDS = {
  listen: 'set PORT to another, as in PORT=8080 pnpm start, or listen in the config file',
  'admin.listen': 'give another as admin in the config file or as ADMIN, or set it to off',
} as const

/** The listeners of the gateway, by address. */
export class Listeners {
  readonly #create: (current: () => Listen) => Server
  readonly #option: keyof typeof MENDS
  #listeners: readonly Open[] = []
  /** Those that take nothing new, and are not over yet. */
  readonly #leaving = new Set<Listener>()

  /** `create` makes a server that does not listen yet; `current` is what a config says of it at the moment. */
  constructor(create: (current: () => Listen) => Server, option: keyof typeof MENDS = 'listen') {
    this.#create = create
    this.#option = option
  }

  get all(): readonly Listener[] {
    return this.#listeners
  }

  /**
   * Opens listeners for those addresses that have none yet. When they are taken, those of no such address are closed,
   * and those that stay are spoken to as is said now.
   * @throws OptionError for an address that cannot be listened on; nothing is changed then.
   */
  async prepare(addresses: readonly Listen[]): Promise<Prepared> {
    const wanted = new Map(addresses.map((address) => [showAddress(address), address]))
    const kept: Open[] = []
    const changes: (() => void)[] = []
    for (const listener of this.#listeners) {
      const key = showAddress(listener.address)
      const address = wanted.get(key)
      if (!address) continue
      kept.push(listener)
      const secure = listener.door.prepare(address.tls)
      changes.push(() => {
        listener.address = address
        secure()
      })
      wanted.delete(key)
    }
    const opened: Open[] = []
    const drop = (): void => {
      for (const listener of opened) void listener.close(0)
    }
    try {
      for (const address of wanted.values()) opened.push(await open(this.#create, address, this.#option))
    } catch (error) {
      drop()
      throw error
    }
    return {
      take: (bound) => {
        for (const change of changes) change()
        const gone = this.#listeners.filter((listener) => !kept.includes(listener))
        this.#listeners = [...kept, ...opened]
        for (const listener of gone) {
          this.#leaving.add(listener)
          void listener.close(bound).then(() => this.#leaving.delete(listener))
        }
      },
      drop,
    }
  }

  /** Holds all to these limits: what is open stays, new connections go by them. */
  limit({ header, connections }: Config['limits']): void {
    for (const { server } of this.#listeners)
      Object.assign(server, { maxHeaderSize: header, maxConnections: connections })
  }

  /** Closes all; resolves with whether nothing was cut after `bound` ms. */
  async close(bound: number): Promise<boolean> {
    const all = [...this.#listeners, ...this.#leaving]
    const whole = await Promise.all(all.map((listener) => listener.close(bound)))
    return whole.every(Boolean)
  }
}

function open(
  create: (current: () => Listen) => Server,
  address: Listen,
  option: keyof typeof MENDS,
): Promise<Open> {
  const server = create(() => listener?.address ?? address)
  const door = new Door(server)
  const close = gracefully(server, () => door.cut())
  let listener: Open | undefined
  door.prepare(address.tls)()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, address, option)))
    server.listen({ port: address.port, host: address.host }, () => {
      const bound = server.address()
      const port = typeof bound === 'object' && bound ? bound.port : address.port
      listener = { address, port, server, door, close }
      resolve(listener)
    })
  })
}

function explain(error: NodeJS.ErrnoException, address: Address, option: keyof typeof MENDS): Error {
  const place = address.host === undefined ? address.port : showAddress(address)
  const mend = MENDS[option]
  if (error.code === 'EACCES') return new OptionError(option, place, `may not be bound by this user; ${mend}`)
  if (error.code === 'EADDRINUSE') return new OptionError(option, place, `is taken; ${mend}`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new OptionError(
      option,
      place,
      'is no address of this machine; give one of its own, or the port alone',
    )
  return error
}

/** Where a listener is, as a URL; a listener on all addresses is on localhost too. */
export function urlOf({ address: { host = 'localhost', tls }, port }: Listener): string {
  return `${tls ? 'https' : 'http'}://${inUrl(host)}:${port}`
}

/** How many connections of a listener are open. */
export function connectionsOf({ server }: Listener): Promise<number> {
  return promisify(server.getConnections.bind(server))()
}
