import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Options } from 'http-proxy-middleware'
import { WorkerFailure } from '../errors.ts'
import { requestPath } from '../request-target.ts'
import type { Worker } from '../worker.ts'
import { ConnectionAgent, isTimeout, KEEP_ALIVE, reset } from './dial.ts'
import type { Settle, Terms } from './forwarder.ts'
import { endToEnd } from './hop-by-hop.ts'
import { toTarget, type Target } from './http-proxy-target.ts'
import { readAlong } from './read-along.ts'
import { requestHeaders } from './request-headers.ts'
import { addCookie, cleanResponse } from './response-headers.ts'
import { Watchdog, type Watched } from './watchdog.ts'

/** One WebSocket on its way to one worker through http-proxy-middleware, over a connection that already stands. */
export class UpgradeExchange implements Watched {
  readonly #req: IncomingMessage
  readonly #socket: Duplex
  readonly #worker: Worker
  readonly #connection: Socket
  readonly #settle: Settle
  /** What `req` held before the attempt, and holds again after it. */
  readonly #url: string | undefined
  readonly #headers: IncomingHttpHeaders
  readonly #path: string
  readonly #stopReading: () => void
  readonly #terms: Terms
  readonly #watchdog: Watchdog
  /** The worker's answer, once it has begun and is passed on. */
  #status: number | undefined
  /** The same, where it is a refusal. */
  #refusal: IncomingMessage | undefined
  #settled = false

  constructor(
    req: IncomingMessage,
    socket: Duplex,
    worker: Worker,
    connection: Socket,
    terms: Terms,
    settle: Settle,
  ) {
    this.#req = req
    this.#socket = socket
    this.#worker = worker
    this.#connection = connection
    this.#settle = settle
    this.#url = req.url
    this.#headers = req.headers
    this.#path = requestPath(req.url)
    req.headers = requestHeaders(req, worker, terms.id, terms.headers)
    req.headers.connection = 'Upgrade'
    req.headers.upgrade = 'websocket'
    req.url = '/' // http-proxy-middleware parses it, and gives up on some that are none of its business
    this.#stopReading = readAlong(socket)
    socket.once('close', this.#closed)
    connection.once('close', this.#lost)
    this.#terms = terms
    this.#watchdog = new Watchdog(this, terms, terms.timeouts.upgrade)
    this.#watchdog.connected(false)
  }

  /** Called by http-proxy-middleware once it has parsed `req.url`, before it rewrites and sends it. */
  route(request: Options): Target {
    this.#req.url = this.#path
    request.agent = new ConnectionAgent(this.#connection, this.#worker)
    return toTarget(this.#worker)
  }

  /** The request is made; nothing is written yet, and http-proxy-middleware's listeners come after these. */
  sending(proxyReq: ClientRequest): void {
    this.#restore()
    // http-proxy-middleware listens only after this event. It would relay whatever answer comes, and end the
    // client's socket on any error, though another worker may still take the upgrade.
    process.nextTick(() => {
      const relays = proxyReq.listeners('response')
      proxyReq.removeAllListeners('response').once('response', (response: IncomingMessage) => {
        if (this.#refused(response)) for (const relay of relays) relay.call(proxyReq, response)
      })
      proxyReq.removeAllListeners('error').on('error', (error) => this.#fail(error, this.#phase()))
      const joins = proxyReq.listeners('upgrade')
      proxyReq.removeAllListeners('upgrade').once('upgrade', (response: IncomingMessage, ...rest) => {
        if (!this.#switched(response)) return
        for (const join of joins) join.call(proxyReq, response, ...rest)
        for (const side of [this.#socket as Socket, this.#connection]) side.setKeepAlive(true, KEEP_ALIVE)
      })
      if (this.#settled) proxyReq.destroy()
    })
  }

  /** The worker switches protocols. Whether that is to what it was asked for. */
  #switched(response: IncomingMessage): boolean {
    const { upgrade } = response.headers
    if (upgrade?.toLowerCase() !== 'websocket') {
      this.#fail(new Error(`switched to ${upgrade}`), 'response')
      return false
    }
    this.#begun(101)
    this.#watchdog.stop()
    response.headers = { ...endToEnd(response.headers), connection: 'Upgrade', upgrade }
    for (const name of ['content-length', 'transfer-encoding']) delete response.headers[name] // RFC 9110, 8.6; RFC 9112, 6.1
    addCookie(response.headers, this.#terms.cookie)
    this.#socket.setDefaultEncoding('latin1') // in which http-proxy-middleware's head is to go out
    return true
  }

  /** The worker answers, but does not switch protocols. Whether that can be passed on. */
  #refused(response: IncomingMessage): boolean {
    const fault = cleanResponse(response)
    if (fault) {
      this.#fail(new Error(fault), 'response')
      return false
    }
    const status = response.statusCode as number
    if (this.#terms.unwanted.has(status)) {
      this.#fail(new Error(`answered ${status}`), 'response', status)
      return false
    }
    addCookie(response.headers, this.#terms.cookie)
    this.#begun(status)
    this.#refusal = response
    this.#watchdog.answered(response.headers['content-type'])
    response.on('data', this.#moved).once('end', () => this.#watchdog.stop())
    this.#socket.on('drain', this.#moved)
    response.once('error', (error) => this.#fail(error, 'response')) // before http-proxy-middleware ends the socket
    this.#socket.once('finish', () => this.#socket.destroy()) // it is said to close, and does not wait for the client
    return true
  }

  /** An error of the client's socket, of the worker's after its answer has begun, or of an option of the user's. */
  failed(error: Error): void {
    if (error === this.#socket.errored) return // the client's; it is closing
    if (this.#status !== undefined) return this.#fail(error, 'response')
    this.broken(error)
  }

  /** A fault of the options, not of the worker: the exchange goes no further. */
  broken(error: unknown): void {
    this.#connection.destroy()
    this.#end(() => this.#settle.reject(error))
  }

  workerIsFull(): boolean {
    return false // an upgrade has no body
  }

  clientIsFull(): boolean {
    return this.#socket.writableNeedDrain
  }

  expired(error: Error): void {
    this.#fail(error, this.#phase())
  }

  readonly #moved = (): void => this.#watchdog.moved()

  readonly #closed = (): void => {
    this.#connection.destroy()
    const isWhole = this.#status === 101 || this.#socket.writableFinished
    this.#end(() => this.#settle.resolve((isWhole ? this.#status : undefined) ?? 'client-gone'))
  }

  /** The worker's side is gone. After an upgrade the client gets what was under way to it, then its end. */
  readonly #lost = (): void => {
    if (this.#status === undefined) return this.#fail(new Error('closed the connection'), this.#phase())
    if (this.#status !== 101) return // what there is of a refusal is still on its way
    if (this.#socket.writableFinished) this.#socket.destroy()
    else this.#socket.end(() => this.#socket.destroy())
  }

  #begun(status: number): void {
    this.#status = status
    this.#stopReading()
  }

  #phase(): WorkerFailure['phase'] {
    return this.#connection.bytesRead > 0 ? 'response' : 'request'
  }

  #fail(error: Error, phase: WorkerFailure['phase'], status?: number): void {
    if (this.#settled) return
    if (this.#refusal?.complete) return // what comes behind a whole answer is no part of it
    if (this.#socket.destroyed) return this.#closed()
    this.#connection.destroy()
    if (this.#status !== undefined && this.#status !== 101) reset(this.#socket as Socket) // a refusal, cut in its body
    const failure = new WorkerFailure(this.#worker.id, phase, error, {
      timeout: isTimeout(error),
      ...(status !== undefined && { status }),
    })
    this.#end(() => this.#settle.reject(failure))
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#stopReading()
    this.#watchdog.stop()
    this.#socket.off('close', this.#closed).off('drain', this.#moved)
    this.#restore()
    settle()
  }

  #restore(): void {
    this.#req.url = this.#url
    this.#req.headers = this.#headers
  }
}
