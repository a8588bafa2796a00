import type { Server as HttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { promisify } from 'node:util'
import { OptionError, type Trust } from '@rondo/balancer'
import { inUrl, showAddress, type Address } from './config/address.ts'
import type { Config, Listen } from './config/config.ts'
import { Door } from './door.ts'
import { gracefully } from './shutdown.ts'

/** What is known of a listener's traffic. */
export interface Serves {
  /** By which its URL begins. */
  readonly protocol: 'http' | 'https' | 'tcp'
  /** How many connections were refused, by why. */
  readonly refusals: ReadonlyMap<string, number>
  /** How many connections there are. */
  connections(): Promise<number>
}

/** A listener, whichever process serves it. */
export interface Listening<L extends Address = Listen> {
  /** Where, and how it is spoken to, as a config says it. */
  readonly address: L
  /** Where it listens: another than that of the address if that is 0. */
  readonly port: number
  readonly served: Serves
}

/** A server, and what a listener does with it. */
export interface Served<L> extends Serves {
  readonly server: Server
  /** Has at most so many connections from now on; those that stand stay. */
  limit(connections: number): void
  /** Takes the connections that have come, and those to come: until then they wait. */
  open(): void
  /** Makes ready to be spoken to in this way; the function it returns has new connections go by it. */
  prepare(listen: L): () => void
  /**
   * Stops accepting; resolves with whether all that was in flight ended within `bound` ms, and was not cut. Connections
   * without a request may bring one for `idle` ms. Default 0.
   */
  close(bound: number, idle?: number): Promise<boolean>
}

/** A server of this process that listens. */
export interface Listener<L extends Address = Listen, S extends Served<L> = Served<L>> extends Listening<L> {
  readonly served: S
}

/** One that can be spoken to in another way, while it listens. */
interface Open<L extends Address, S extends Served<L>> extends Listener<L, S> {
  address: L
}

/** An HTTP server behind a door; `trust` says whose PROXY headers are believed. */
export function serveHttp(server: HttpServer, trust: () => Trust | undefined): Served<Listen> {
  const door = Door.before(server, trust)
  const close = gracefully(server, () => door.cut())
  return {
    server,
    get protocol() {
      return door.isSecure ? 'https' : 'http'
    },
    refusals: door.refusals,
    connections: () => connectionsOf(server),
    limit: (connections) => void (server.maxConnections = connections),
    open: () => door.open(),
    prepare: (listen) => door.prepare(listen),
    close,
  }
}

/** Listeners that are open, and not yet the gateway's. */
export interface Prepared {
  /** Makes them the gateway's. Those that it is to have no longer take nothing new, and are cut after `bound` ms. */
  readonly take: (bound: number) => void
  /** Closes them again. */
  readonly drop: () => void
}

/** Prepares one after the other; where one cannot be, those before it are let go, and it throws. */
export async function prepareAll(steps: readonly (() => Promise<Prepared>)[]): Promise<Prepared> {
  const all: Prepared[] = []
  const drop = (): void => {
    for (const prepared of all) prepared.drop()
  }
  try {
    for (const step of steps) all.push(await step())
  } catch (error) {
    drop()
    throw error
  }
  return {
    drop,
    take(bound) {
      for (const prepared of all) prepared.take(bound)
    },
  }
}

/** What to do where an address cannot be had, by the option that names it. */
const MENDS = {
  listen: 'set PORT to another, as in PORT=8080 pnpm start, or listen in the config file',
  'tcp.listen': 'give that entry of tcp another',
  'admin.listen': 'give another as admin in the config file or as ADMIN, or set it to off',
} as const

/** Listeners of the gateway, by address. */
export class Listeners<L extends Address = Listen, S extends Served<L> = Served<L>> {
  readonly #create: (current: () => L) => S
  readonly #option: keyof typeof MENDS
  #listeners: readonly Open<L, S>[] = []
  /** Those that take nothing new, and are not over yet. */
  readonly #leaving = new Set<Listener<L, S>>()

  /** `create` makes a server that does not listen yet; `current` is what a config says of it at the moment. */
  constructor(create: (current: () => L) => S, option: keyof typeof MENDS = 'listen') {
    this.#create = create
    this.#option = option
  }

  get all(): readonly Listener<L, S>[] {
    return this.#listeners
  }

  /**
   * Opens listeners for those addresses that have none yet. When they are taken, those of no such address are closed,
   * and those that stay are spoken to as is said now.
   * @throws OptionError for an address that cannot be listened on; nothing is changed then.
   */
  async prepare(addresses: readonly L[]): Promise<Prepared> {
    const wanted = new Map(addresses.map((address) => [showAddress(address), address]))
    const kept: Open<L, S>[] = []
    const changes: (() => void)[] = []
    for (const listener of this.#listeners) {
      const key = showAddress(listener.address)
      const address = wanted.get(key)
      if (!address) continue
      kept.push(listener)
      const change = listener.served.prepare(address)
      changes.push(() => {
        listener.address = address
        change()
      })
      wanted.delete(key)
    }
    const opened: Open<L, S>[] = []
    const drop = (): void => {
      for (const { served } of opened) void served.close(0)
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
        // When all is in force that belongs to the same step.
        queueMicrotask(() => {
          for (const { served } of opened) served.open()
        })
        for (const listener of gone) {
          this.#leaving.add(listener)
          void listener.served.close(bound).then(() => this.#leaving.delete(listener))
        }
      },
      drop,
    }
  }

  /** Holds all to these limits: what is open stays, new connections go by them. */
  limit({ header, connections }: Config['limits']): void {
    for (const { served } of this.#listeners)
      Object.assign(served.server, { maxHeaderSize: header, maxConnections: connections })
  }

  /** Closes all as `Served.close` does; resolves with whether nothing was cut. */
  async close(bound: number, idle?: number): Promise<boolean> {
    const all = [...this.#listeners, ...this.#leaving]
    const whole = await Promise.all(all.map(({ served }) => served.close(bound, idle)))
    return whole.every(Boolean)
  }
}

function open<L extends Address, S extends Served<L>>(
  create: (current: () => L) => S,
  address: L,
  option: keyof typeof MENDS,
): Promise<Open<L, S>> {
  const served = create(() => listener?.address ?? address)
  const { server } = served
  let listener: Open<L, S> | undefined
  served.prepare(address)()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, address, option)))
    server.listen({ port: address.port, host: address.host }, () => {
      const bound = server.address()
      const port = typeof bound === 'object' && bound ? bound.port : address.port
      listener = { address, port, served }
      resolve(listener)
    })
  })
}

/** An address that is held, lest anybody else takes it. */
export interface Held {
  readonly port: number
  release(): Promise<unknown>
}

/** Listens on an address, to see whether that can be, until it is released. @throws OptionError if it cannot be. */
export async function hold(address: Address, option: keyof typeof MENDS): Promise<Held> {
  const server = createServer((socket) => socket.destroy())
  const { port } = await new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, address, option)))
    server.listen({ port: address.port, host: address.host }, () => resolve(server.address() as AddressInfo))
  })
  return { port, release: () => new Promise((resolve) => server.close(resolve)) }
}

function explain(error: NodeJS.ErrnoException, address: Address, option: keyof typeof MENDS): Error {
  const place = address.host === undefined ? address.port : showAddress(address)
  const mend = MENDS[option]
  if (error.code === 'EACCES') return new OptionError(option, place, `may not be bound by this user; ${mend}`)
  if (error.code === 'EADDRINUSE')
    return Object.assign(new OptionError(option, place, `is taken; ${mend}`), { cause: error })
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new OptionError(
      option,
      place,
      'is no address of this machine; give one of its own, or the port alone',
    )
  return error
}

/** Whether an address could not be had since somebody else has it. */
export function isTaken({ cause }: Error): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
}

/** How many connections a server has. */
export async function connectionsOf(server: Server): Promise<number> {
  return promisify(server.getConnections.bind(server))()
}

/** Where a listener is, as a URL; a listener on all addresses is on localhost too. */
export function urlOf({ address, port, served }: Listening<Address>): string {
  return `${served.protocol}://${inUrl(address.host ?? 'localhost')}:${port}`
}
