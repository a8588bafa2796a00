import { Agent, type ClientRequest } from 'node:http'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'

/** After how long an idle connection is asked by TCP whether its peer is still there, in ms. */
export const KEEP_ALIVE = 60_000

/**
 * A connection that fails with ETIMEDOUT when it does not stand within `timeout` ms, not after the minutes the system
 * allows; whether it stands is looked at once more after a turn of the event loop, which may have been blocked.
 */
export function dial(options: TcpNetConnectOpts, timeout: number): Socket {
  const socket = connect({ ...options, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE })
  const expire = (): void => {
    if (socket.connecting) socket.destroy(timedOut('no connection', timeout))
  }
  const timer = setTimeout(() => setImmediate(expire), timeout)
  const stop = (): void => clearTimeout(timer)
  return socket.once('connect', stop).once('close', stop)
}

/** The error of a worker that did not do `what` it should within `limit` ms. */
export function timedOut(what: string, limit: number): Error {
  return Object.assign(new Error(`${what} within ${Math.round(limit)} ms`), { code: 'ETIMEDOUT' })
}

/** Whether an error says that something took too long. */
export function isTimeout(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ETIMEDOUT'
}

/** Cuts a connection in a way that cannot be taken for its end, where the system can. */
export function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy() // TLS and Unix sockets know no reset
  }
}

/** What is taken off a worker's own word on how long it keeps an idle connection, in ms. */
export const MARGIN = 1000

/** Where a connection keeps how long its worker lets it be idle, in ms. */
const IDLE: unique symbol = Symbol('rondo.idle')

/**
 * Keeps the connections to a worker for reuse. Idle ones are closed after `idle` ms, or earlier where the worker's
 * `Keep-Alive: timeout=` asks for it, lest a request crosses the worker's own closing.
 */
export class WorkerAgent extends Agent {
  readonly #idle: number
  readonly #connect: number
  #isRetired = false

  /** A connection must stand within `connect` ms. */
  constructor(idle: number, connect: number) {
    super({ keepAlive: true })
    this.#idle = idle
    this.#connect = connect
  }

  /** Takes a worker's `Keep-Alive` header to heart (RFC 2068, 19.7.1.1), for the connection that it came on. */
  static heed(socket: Socket & { [IDLE]?: number }, keepAlive: string): void {
    const [, seconds] = /\btimeout=(\d+)/.exec(keepAlive) ?? []
    if (seconds !== undefined) socket[IDLE] = Number(seconds) * 1000 - MARGIN
  }

  override createConnection(options: TcpNetConnectOpts): Socket {
    return dial({ ...options, noDelay: true }, this.#connect)
  }

  /** Whether these are its times. */
  isFor(idle: number, connect: number): boolean {
    return idle === this.#idle && connect === this.#connect
  }

  /** Whether a connection of it carries something. */
  get isInUse(): boolean {
    return Object.keys(this.sockets).length > 0
  }

  /** Closes the idle connections, so that the next one is new. */
  closeIdle(): void {
    for (const sockets of Object.values(this.freeSockets))
      for (const socket of sockets ?? []) socket.destroy()
  }

  /** Closes the idle connections, and those in use once they are idle. */
  retire(): void {
    this.#isRetired = true
    this.closeIdle()
  }

  // Shorter than Node's: of what tells connections apart, only this varies here.
  override getName({ host, port, localAddress }: NonNullable<Parameters<Agent['getName']>[0]> = {}): string {
    return `${host}:${port}:${localAddress ?? ''}`
  }

  // In place of Node's, which set TCP keep-alive anew, and a timer for each request too.
  override keepSocketAlive(socket: Socket & { [IDLE]?: number }): boolean {
    const idle = Math.min(socket[IDLE] ?? this.#idle, this.#idle)
    if (idle <= 0 || this.#isRetired) return false
    socket.setTimeout(idle)
    socket.unref()
    return true
  }

  override reuseSocket(socket: Socket, request: ClientRequest): void {
    socket.setTimeout(0)
    super.reuseSocket(socket, request)
  }
}

/** An agent for one request, over a connection that already stands. */
export class ConnectionAgent extends Agent {
  readonly #socket: Socket

  constructor(socket: Socket) {
    super()
    this.#socket = socket
  }

  override createConnection(): Socket {
    return this.#socket
  }
}
