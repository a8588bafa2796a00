import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Dispatcher } from 'undici'
import { HttpError, WorkerFailure } from '../errors.ts'
import type { Worker } from '../worker.ts'
import { isTimeout, reset } from './dial.ts'
import type { Settle } from './forwarder.ts'
import { rawResponseHeaders, reason, responseFault } from './headers.ts'
import { endWith, flushLater, SMALL } from './relay.ts'

type Controller = Dispatcher.DispatchController

/** One request on its way to one worker through undici, which calls the handlers as the exchange goes on. */
export class UndiciExchange implements Dispatcher.DispatchHandler {
  /** The request's body; fed once a connection stands, so that a refused one costs nothing of it. */
  readonly body: PassThrough | null
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #worker: Worker
  readonly #settle: Settle
  #controller: Controller | undefined
  #answered = false
  /** A body that came whole in its first chunk is held, to go out in one write with its head. */
  #held: Buffer | undefined
  #length = -1
  #endsByClosing = false
  #headIsOut = false
  #settled = false

  constructor(req: IncomingMessage, res: ServerResponse, worker: Worker, withBody: boolean, settle: Settle) {
    this.#req = req
    this.#res = res
    this.#worker = worker
    this.#settle = settle
    // Not `req` itself: undici would take its socket away. What is written after an abort is nobody's error.
    this.body = withBody ? new PassThrough().on('error', () => {}) : null
    res.once('close', this.#closed)
  }

  /** A connection stands. */
  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#settled) return controller.abort(new Error('the client has left'))
    if (this.body) this.#req.pipe(this.body)
  }

  /** The first byte of a response has come. */
  onResponseStarted(): void {
    this.#answered = true
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    phrase?: string,
  ): void {
    if (status >= 100 && status < 200 && status !== 101) return // an interim response
    const fault = responseFault(status, headers)
    if (fault) return controller.abort(new Error(fault))
    const raw = rawResponseHeaders(controller.rawHeaders as Buffer[], status, headers)
    this.#length = Number(headers['content-length'] ?? -1)
    this.#endsByClosing = this.#length < 0 && this.#req.httpVersion === '1.0'
    this.#res.writeHead(status, reason(phrase), raw)
    // A small body is there with its head, or soon; another may take its time, and the head does not wait for it.
    if (!(this.#length >= 0 && this.#length <= SMALL)) flushLater(this.#flushHead)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#headIsOut = true
    if (chunk.length === this.#length) this.#held = chunk
    else if (!this.#res.write(chunk)) {
      controller.pause()
      this.#res.once('drain', () => controller.resume())
    }
  }

  onResponseEnd(): void {
    this.#headIsOut = true
    endWith(this.#res, this.#held)
  }

  onResponseError(controller: Controller | null, error: Error): void {
    if (this.#settled) return
    if (!controller && isArgumentError(error)) return this.#end(() => this.#settle.reject(badRequest(error)))
    if (this.#endsByClosing) reset(this.#req.socket) // a mere end would look whole
    const phase = this.#answered ? 'response' : this.#controller ? 'request' : 'connect'
    const failure = new WorkerFailure(this.#worker.id, phase, error, { timeout: isTimeout(error) })
    this.#end(() => this.#settle.reject(failure))
  }

  readonly #flushHead = (): void => {
    if (!this.#headIsOut && !this.#settled) this.#res.flushHeaders()
  }

  readonly #closed = (): void => {
    const { writableFinished, statusCode } = this.#res
    this.#end(() => this.#settle.resolve(writableFinished ? statusCode : 'client-gone'))
    if (!writableFinished) this.#controller?.abort(new Error('the client has left'))
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#res.off('close', this.#closed)
    if (this.body && this.#controller) {
      this.#req.unpipe(this.body)
      this.#req.resume() // what is left of the body, so that the client's connection can go on
    }
    settle()
  }
}

function isArgumentError(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'UND_ERR_INVALID_ARG'
}

/** What Node's parser lets through and undici refuses to write: the client's fault, whatever the worker. */
function badRequest(cause: Error): HttpError {
  return new HttpError(400, 'the request cannot be forwarded', { cause, message: cause.message })
}
