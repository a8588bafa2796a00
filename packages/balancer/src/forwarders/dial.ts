import { Agent, type ClientRequest } from 'node:http'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'

/** How long a connection to a worker may take to stand, in ms. */
const CONNECT_TIMEOUT = 3000

/** A connection that fails with ETIMEDOUT when it does not stand in time, not after the minutes the system allows. */
export function dial(options: TcpNetConnectOpts): Socket {
  const socket = connect(options)
  const timer = setTimeout(() => {
    const message = `no connection within ${CONNECT_TIMEOUT} ms`
    socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
  }, CONNECT_TIMEOUT)
  const stop = (): void => clearTimeout(timer)
  return socket.once('connect', stop).once('close', stop)
}

/** Whether an error says that a connection took too long to stand. */
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

/** How long a connection to a worker may be idle, in ms: Node's servers close theirs after 5 s. */
export const IDLE_TIMEOUT = 4000

/** What is taken off a worker's own word on how long it keeps an idle connection, in ms. */
const MARGIN = 1000

/** Where a connection keeps how long its worker lets it be idle, in ms. */
const IDLE: unique symbol = Symbol('rondo.idle')

/**
 * Keeps connections to workers for reuse. Idle ones are closed after 4 s, or earlier where the worker's
 * `Keep-Alive: timeout=` asks for it, lest a request crosses the worker's own closing.
 */
export class WorkerAgent extends Agent {
  constructor() {
    super({ keepAlive: true })
  }

  /** Takes a worker's `Keep-Alive` header to heart (RFC 2068, 19.7.1.1), for the connection that it came on. */
  static heed(socket: Socket & { [IDLE]?: number }, keepAlive: string): void {
    const [, seconds] = /\btimeout=(\d+)/.exec(keepAlive) ?? []
    if (seconds !== undefined) socket[IDLE] = Number(seconds) * 1000 - MARGIN
  }

  override createConnection(options: TcpNetConnectOpts): Socket {
    return dial({ ...options, noDelay: true, keepAlive: true })
  }

  /** Closes the idle connections to a worker. */
  closeIdle(to: { host: string; port: number }): void {
    const name = this.getName(to)
    for (const [key, sockets = []] of Object.entries(this.freeSockets))
      if (key.startsWith(name)) for (const socket of sockets) socket.destroy()
  }

  // Shorter than Node's: of what tells connections apart, only this varies here.
  override getName({ host, port, localAddress }: NonNullable<Parameters<Agent['getName']>[0]> = {}): string {
    return `${host}:${port}:${localAddress ?? ''}`
  }

  // In place of Node's, which set TCP keep-alive anew, and a timer for each request too.
  override keepSocketAlive(socket: Socket & { [IDLE]?: number }): boolean {
    const idle = Math.min(socket[IDLE] ?? IDLE_TIMEOUT, IDLE_TIMEOUT)
    if (idle <= 0) return false
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
