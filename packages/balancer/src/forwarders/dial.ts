import { Agent, type ClientRequest } from 'node:http'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connectTls, type Connected, type ConnectOptions } from '../tls-connect.ts'
import type { Tls } from '../tls.ts'
import type { Worker } from '../worker.ts'

/** After how long an idle connection is asked by TCP whether its peer is still there, in ms. */
export const KEEP_ALIVE = 60_000

/**
 * A connection that fails with ETIMEDOUT when it does not stand within `timeout` ms, not after the minutes the system
 * allows; whether it stands is looked at once more after a turn of the event loop, which may have been blocked.
 */
export function dial(options: TcpNetConnectOpts, timeout: number): Socket {
  const socket = connect({ ...options, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE })
  expire(socket, 'connect', timeout, 1)
  return socket
}

/** The time for a handshake, which takes several turns, is this many looks: an event loop that was blocked costs one. */
const LOOKS = 4

/** The same by TLS: the time is for its handshake too, and nothing may be written before `done` has the connection. */
export function dialTls(
  worker: Worker,
  tls: Tls,
  options: ConnectOptions,
  timeout: number,
  done: Connected,
): Socket {
  const socket = connectTls(worker, tls, { ...options, keepAlive: KEEP_ALIVE }, done)
  expire(socket, 'secureConnect', timeout, LOOKS)
  return socket
}

function expire(socket: Socket, event: 'connect' | 'secureConnect', timeout: number, looks: number): void {
  let left = looks
  let timer: NodeJS.Timeout | undefined
  const wait = (): void => {
    timer = setTimeout(() => setImmediate(look), timeout / looks)
  }
  const look = (): void => {
    if (!timer) return
    if (--left > 0) wait()
    else socket.destroy(timedOut(socket.connecting ? 'no connection' : 'no TLS handshake', timeout))
  }
  function stop(): void {
    clearTimeout(timer)
    timer = undefined
    socket.off(event, stop).off('close', stop)
  }
  wait()
  socket.on(event, stop).on('close', stop)
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
export function reset(socket: Socket & { readonly _parent?: Socket | null }): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  if (isEnding) return void socket.destroy() // libuv refuses to reset it (EINVAL), and Node would never close it then
  try {
    const { _parent: tcp } = socket // a TLS socket knows no reset; the one beneath it has no other name
    ;(tcp ?? socket).resetAndDestroy()
  } catch {
    // Unix sockets know none either
  }
  socket.destroy()
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
  /** By which Node tells what it is an agent for. */
  readonly protocol: string
  readonly #worker: Worker
  readonly #idle: number
  readonly #connect: number
  readonly #tls: Tls
  /** Connections whose handshake is under way. */
  readonly #pending = new Set<Socket>()
  #isRetired = false

  /** A connection must stand within `connect` ms. */
  constructor(worker: Worker, idle: number, connect: number, tls: Tls) {
    super({ keepAlive: true })
    this.protocol = worker.url.protocol
    this.#worker = worker
    this.#tls = tls
    this.#idle = idle
    this.#connect = connect
  }

  /** Takes a worker's `Keep-Alive` header to heart (RFC 2068, 19.7.1.1), for the connection that it came on. */
  static heed(socket: Socket & { [IDLE]?: number }, keepAlive: string): void {
    const [, seconds] = /\btimeout=(\d+)/.exec(keepAlive) ?? []
    if (seconds !== undefined) socket[IDLE] = Number(seconds) * 1000 - MARGIN
  }

  override createConnection(options: TcpNetConnectOpts, done?: Connected): Socket | undefined {
    const { localAddress } = options
    if (!this.#worker.isSecure) return dial({ ...options, noDelay: true }, this.#connect)
    const own = { noDelay: true, ...(localAddress !== undefined && { localAddress }) }
    const socket = dialTls(this.#worker, this.#tls, own, this.#connect, (error, connection) => {
      this.#pending.delete(socket)
      done?.(error, connection)
    })
    this.#pending.add(socket)
    return undefined // `done` gets it when it stands: what is given to Node before that is written to
  }

  /** Whether these are its times, and its TLS where that matters. */
  isFor(idle: number, connect: number, tls: Tls): boolean {
    return idle === this.#idle && connect === this.#connect && (tls === this.#tls || !this.#worker.isSecure)
  }

  /** Whether a connection of it carries something, or will. */
  get isInUse(): boolean {
    return this.#pending.size > 0 || Object.values(this.sockets).some((sockets) => sockets?.length)
  }

  override destroy(): void {
    super.destroy()
    for (const socket of this.#pending) socket.destroy()
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
  /** By which Node tells what it is an agent for. */
  readonly protocol: string
  readonly #socket: Socket

  constructor(socket: Socket, worker: Worker) {
    super()
    this.protocol = worker.url.protocol
    this.#socket = socket
  }

  override createConnection(): Socket {
    return this.#socket
  }
}
