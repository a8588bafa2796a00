import { Agent, type AgentOptions } from 'node:http'
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

/**
 * Keeps connections to workers for reuse. Idle ones are closed after 4 s, or earlier where the worker's
 * `Keep-Alive: timeout=` asks for it: Node's servers close theirs after 5 s, and a request must not cross that.
 */
export class WorkerAgent extends Agent {
  constructor() {
    super({ keepAlive: true, timeout: 4000 })
  }

  override createConnection(options: TcpNetConnectOpts): Socket {
    return dial(options)
  }
}

/** An agent for one request, over a connection that already stands. */
export class ConnectionAgent extends Agent {
  readonly #socket: Socket

  constructor(socket: Socket, options?: AgentOptions) {
    super(options)
    this.#socket = socket
  }

  override createConnection(): Socket {
    return this.#socket
  }
}
