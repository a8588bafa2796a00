import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { PassThrough } from 'node:stream'
import type { Dispatcher } from 'undici'
import { HttpError, WorkerFailure } from '../errors.ts'
import { hasBody } from '../failover.ts'
import type { Worker } from '../worker.ts'
import { isTimeout, reset } from './dial.ts'
import type { Settle, Terms } from './forwarder.ts'
import { relayInterim } from './interim.ts'
import { Leftover } from './leftover.ts'
import { endWith, flushLater, SMALL } from './relay.ts'
import { rawResponseHeaders, reason, responseFault, trailers } from './response-headers.ts'
import { wasReused } from './undici-connect.ts'
import { Upload } from './upload.ts'
import { Watchdog, type Watched } from './watchdog.ts'

type Controller = Dispatcher.DispatchController

/** One request on its way to one worker through undici, which calls the handlers as the exchange goes on. */
export class UndiciExchange implements Dispatcher.DispatchHandler, Watched {
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #worker: Worker
  readonly #terms: Terms
  readonly #settle: Settle
  readonly #watchdog: Watchdog
  readonly #upload: Upload | undefined
  #controller: Controller | undefined
  #answered = false
  /** A body that came whole in its first chunk is held, to go out in one write with its head. */
  #held: Buffer | undefined
  #length = -1
  #endsByClosing = false
  #headIsOut = false
  /** The body of an answer that is not passed on. */
  #leftover: Leftover | undefined
  #settled = false

  constructor(req: IncomingMessage, res: ServerResponse, worker: Worker, terms: Terms, settle: Settle) {
    this.#req = req
    this.#res = res
    this.#worker = worker
    this.#terms = terms
    this.#settle = settle
    this.#watchdog = new Watchdog(this, terms)
    this.#upload = hasBody(req) ? new Upload(req, res, this.#watchdog) : undefined
    res.once('close', this.#closed)
  }

  /** The request's body. */
  get body(): PassThrough | null {
    return this.#upload?.stream ?? null
  }

  /** A connection stands. */
  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#settled) return controller.abort(new Error('nobody waits for it'))
    this.#watchdog.connected(this.#upload !== undefined)
    this.#upload?.begin()
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
    if (status >= 100 && status < 200 && status !== 101)
      return relayInterim(this.#req, this.#res, {
        statusCode: status,
        statusMessage: phrase,
        rawHeaders: controller.rawHeaders as Buffer[],
      })
    const fault = responseFault(status, headers)
    if (fault) return controller.abort(new Error(fault))
    if (this.#terms.unwanted.has(status)) return this.#turnDown(controller, status)
    this.#watchdog.answered(headers['content-type'])
    const raw = rawResponseHeaders(controller.rawHeaders as Buffer[], status, headers)
    if (this.#terms.cookie !== undefined) raw.push('Set-Cookie', this.#terms.cookie)
    this.#length = Number(headers['content-length'] ?? -1)
    this.#endsByClosing = this.#length < 0 && this.#req.httpVersion === '1.0'
    this.#res.writeHead(status, reason(phrase), raw)
    // A small body is there with its head, or soon; another may take its time, and the head does not wait for it.
    if (!(this.#length >= 0 && this.#length <= SMALL)) flushLater(this.#flushHead)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#leftover) return this.#leftover.read(chunk)
    this.#watchdog.moved()
    this.#headIsOut = true
    if (chunk.length === this.#length) this.#held = chunk
    else if (!this.#res.write(chunk)) {
      controller.pause()
      this.#res.once('drain', () => {
        this.#watchdog.moved()
        controller.resume()
      })
    }
  }

  onResponseEnd(controller: Controller): void {
    if (this.#leftover) return this.#leftover.end()
    this.#watchdog.stop()
    this.#headIsOut = true
    const { rawTrailers, rawHeaders } = controller as { rawTrailers?: Buffer[]; rawHeaders: Buffer[] }
    if (rawTrailers && rawTrailers.length > 0) this.#res.addTrailers(trailers(rawTrailers, rawHeaders))
    endWith(this.#res, this.#held)
  }

  onResponseError(controller: Controller | null, error: Error): void {
    this.#leftover?.end()
    if (this.#settled) return
    if (!controller && isArgumentError(error)) return this.#end(() => this.#settle.reject(badRequest(error)))
    this.#fail(error)
  }

  workerIsFull(): boolean {
    return this.#upload?.isFull === true
  }

  clientIsFull(): boolean {
    return this.#res.writableNeedDrain
  }

  expired(error: Error): void {
    if (error instanceof HttpError) {
      this.#res.shouldKeepAlive = false // what is left of its body is unread
      this.#end(() => this.#settle.reject(error))
    } else this.#fail(error)
    this.#controller?.abort(error)
  }

  /** The answer is not passed on: what there is of its body is nobody's, and `res` is as it was. */
  #turnDown(controller: Controller, status: number): void {
    const error = new Error(`answered ${status}`)
    this.#leftover = new Leftover(() => controller.abort(error))
    const failure = new WorkerFailure(this.#worker.id, 'response', error, { status })
    this.#end(() => this.#settle.reject(failure))
  }

  #fail(error: Error): void {
    if (this.#endsByClosing) reset(this.#req.socket) // a mere end would look whole
    const phase = this.#answered ? 'response' : this.#controller ? 'request' : 'connect'
    const reused = phase === 'request' && wasReused(error)
    const failure = new WorkerFailure(this.#worker.id, phase, error, { timeout: isTimeout(error), reused })
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
    this.#watchdog.stop()
    this.#res.off('close', this.#closed)
    this.#upload?.end()
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
