import { ServerResponse, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import { WorkerFailure } from '../errors.ts'
import type { Worker } from '../worker.ts'
import { isTimeout, KEEP_ALIVE, reset } from './dial.ts'
import type { Settle, Terms } from './forwarder.ts'
import { readAlong } from './read-along.ts'
import { rawResponseHeaders } from './response-headers.ts'
import { wasReused } from './undici-connect.ts'
import { UndiciExchange } from './undici-exchange.ts'
import { Watchdog, type Watched } from './watchdog.ts'

type Controller = Dispatcher.DispatchController

const NONE: ReadonlySet<number> = new Set()

/** One WebSocket on its way to one worker through undici. */
export class UndiciUpgrade implements Dispatcher.DispatchHandler, Watched {
  readonly #req: IncomingMessage
  readonly #socket: Duplex
  readonly #head: Buffer
  readonly #worker: Worker
  readonly #terms: Terms
  readonly #settle: Settle
  readonly #watchdog: Watchdog
  readonly #stopReading: () => void
  #controller: Controller | undefined
  #connection: Duplex | undefined
  /** A worker that refuses answers as to any request. */
  #refusal: UndiciExchange | undefined
  #answered = false
  #settled = false

  constructor(
    req: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    worker: Worker,
    terms: Terms,
    settle: Settle,
  ) {
    this.#req = req
    this.#socket = socket
    this.#head = head
    this.#worker = worker
    this.#terms = terms
    this.#settle = settle
    this.#watchdog = new Watchdog(this, terms, terms.timeouts.upgrade)
    this.#stopReading = readAlong(socket)
    socket.once('close', this.#closed)
  }

  /** A connection stands. */
  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#settled) return controller.abort(new Error('nobody waits for it'))
    this.#watchdog.connected(false)
  }

  /** The first byte of an answer has come. */
  onResponseStarted(): void {
    this.#answered = true
  }

  onRequestUpgrade(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    connection: Duplex,
  ): void {
    const upgrade = String(headers.upgrade) // a list where it was repeated, and then not taken
    if (this.#settled || upgrade.toLowerCase() !== 'websocket') {
      connection.on('error', () => {}).destroy()
      return this.#fail('response', new Error(`switched to ${upgrade}`))
    }
    this.#connection = connection
    this.#watchdog.stop()
    this.#stopReading()
    const raw = rawResponseHeaders(controller.rawHeaders as Buffer[], status, headers)
    raw.push('Connection', 'Upgrade', 'Upgrade', upgrade)
    if (this.#terms.cookie !== undefined) raw.push('Set-Cookie', this.#terms.cookie)
    const lines = ['HTTP/1.1 101 Switching Protocols']
    for (let i = 0; i < raw.length; i += 2) lines.push(`${raw[i]}: ${raw[i + 1]}`)
    this.#join(connection as Socket, `${lines.join('\r\n')}\r\n\r\n`)
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    phrase?: string,
  ): void {
    if (status >= 100 && status < 200) return
    if (this.#terms.unwanted.has(status)) {
      const error = new Error(`answered ${status}`)
      this.#fail('response', error, status)
      return controller.abort(error)
    }
    this.#refusal ??= this.#refuse(controller)
    this.#refusal.onResponseStart(controller, status, headers, phrase)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#refusal?.onResponseData(controller, chunk)
  }

  onResponseEnd(controller: Controller): void {
    this.#refusal?.onResponseEnd(controller)
  }

  onResponseError(controller: Controller | null, error: Error): void {
    if (this.#refusal) return this.#refusal.onResponseError(controller, error)
    this.#fail(this.#phase(), error)
  }

  workerIsFull(): boolean {
    return false // an upgrade has no body
  }

  clientIsFull(): boolean {
    return false // nothing was passed on; a refusal has a watchdog of its own
  }

  expired(error: Error): void {
    this.#fail(this.#phase(), error)
    this.#controller?.abort(error)
  }

  #phase(): WorkerFailure['phase'] {
    if (this.#answered) return 'response'
    return this.#controller ? 'request' : 'connect'
  }

  /** The answer goes to the client's socket as an ordinary response, and the connection ends with it. */
  #refuse(controller: Controller): UndiciExchange {
    this.#watchdog.stop()
    this.#stopReading()
    const socket = this.#socket as Socket
    const res = new ServerResponse(this.#req)
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    const drained = (): void => void res.emit('drain') // as Node's server would, had the socket not left it
    socket.on('drain', drained)
    res.once('finish', () => socket.end(() => socket.destroy()))
    const terms = { ...this.#terms, unwanted: NONE }
    const refusal = new UndiciExchange(this.#req, res, this.#worker, terms, {
      resolve: (carried) => this.#end(() => this.#settle.resolve(carried)),
      reject: (error) => {
        socket.off('drain', drained)
        if (!res.headersSent) res.detachSocket(socket)
        this.#end(() => this.#settle.reject(error))
        if (res.headersSent) reset(socket) // cut, never a clean end
      },
    })
    refusal.onRequestStart(controller)
    refusal.onResponseStarted()
    this.#socket.off('close', this.#closed)
    return refusal
  }

  /** Both ways from now on, until one side closes: the other gets what was under way to it, then its end. */
  #join(connection: Socket, answer: string): void {
    const socket = this.#socket as Socket
    for (const side of [socket, connection])
      side.setTimeout(0).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE)
    connection.on('error', (error: Error) => {
      socket.end() // nothing may be written to it any more
      this.#fail('response', error)
    })
    connection.once('close', () =>
      socket.writableFinished ? socket.destroy() : socket.end(() => socket.destroy()),
    )
    socket.write(answer, 'latin1')
    if (this.#head.length > 0) connection.write(this.#head)
    connection.pipe(socket).pipe(connection)
  }

  readonly #closed = (): void => {
    this.#end(() => this.#settle.resolve(this.#connection ? 101 : 'client-gone'))
    if (this.#connection) this.#connection.destroy()
    else this.#controller?.abort(new Error('the client has left'))
  }

  #fail(phase: WorkerFailure['phase'], error: Error, status?: number): void {
    const reused = phase === 'request' && wasReused(error)
    const failure = new WorkerFailure(this.#worker.id, phase, error, {
      timeout: isTimeout(error),
      reused,
      ...(status !== undefined && { status }),
    })
    this.#end(() => this.#settle.reject(failure))
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#watchdog.stop()
    this.#stopReading()
    this.#socket.off('close', this.#closed)
    settle()
  }
}
