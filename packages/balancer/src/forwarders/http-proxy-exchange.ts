import { IncomingMessage, type ClientRequest, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { PassThrough } from 'node:stream'
import type { Options } from 'http-proxy-middleware'
import { HttpError, WorkerFailure } from '../errors.ts'
import { hasBody } from '../failover.ts'
import { requestPath } from '../request-target.ts'
import type { Worker } from '../worker.ts'
import { isTimeout, reset, WorkerAgent } from './dial.ts'
import type { Settle, Terms } from './forwarder.ts'
import { disown, takeBack, toTarget, type Target } from './http-proxy-target.ts'
import { relayInterim } from './interim.ts'
import { discard } from './leftover.ts'
import { flushLater, noBody, relay, SMALL } from './relay.ts'
import { requestHeaders } from './request-headers.ts'
import { addCookie, cleanResponse } from './response-headers.ts'
import { Upload } from './upload.ts'
import { Watchdog, type Watched } from './watchdog.ts'

/** One request on its way to one worker through http-proxy-middleware, which reads its url and headers from `req`. */
export class HttpExchange implements Watched {
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #worker: Worker
  readonly #agent: WorkerAgent
  readonly #terms: Terms
  readonly #settle: Settle
  readonly #target: Target
  /** What `req` held before the attempt, and holds again after it. */
  readonly #url: string | undefined
  readonly #headers: IncomingHttpHeaders
  readonly #path: string
  readonly #watchdog: Watchdog
  readonly #upload: Upload | undefined
  #request: Options | undefined
  #proxyReq: ClientRequest | undefined
  #socket: Socket | undefined
  #bytesBefore = 0
  #connected = false
  #response: IncomingMessage | undefined
  #stopRelay: (() => void) | undefined
  #endsByClosing = false
  #settled = false

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    worker: Worker,
    agent: WorkerAgent,
    terms: Terms,
    settle: Settle,
  ) {
    this.#req = req
    this.#res = res
    this.#worker = worker
    this.#agent = agent
    this.#terms = terms
    this.#settle = settle
    this.#target = toTarget(worker)
    this.#url = req.url
    this.#headers = req.headers
    this.#path = requestPath(req.url)
    this.#watchdog = new Watchdog(this, terms)
    this.#upload = hasBody(req) ? new Upload(req, res, this.#watchdog) : undefined
    req.headers = requestHeaders(req, worker, terms.id, terms.headers)
    req.url = '/' // http-proxy-middleware parses it, and gives up on some that are none of its business
    res.once('close', this.#closed)
  }

  /** Called by http-proxy-middleware once it has parsed `req.url`, before it rewrites and sends it. */
  route(request: Options): Target {
    this.#req.url = this.#path
    request.agent = this.#agent
    request.buffer = this.#upload?.stream ?? (noBody as unknown as PassThrough)
    return this.#target
  }

  /** Called by http-proxy-middleware right before it asks the agent for a connection. */
  starting(): void {
    if (this.#terms.fresh) this.#agent.closeIdle()
  }

  /** The request has a socket, which may still be connecting. */
  sending(proxyReq: ClientRequest, request: Options): void {
    const socket = proxyReq.socket
    if (this.#settled || !socket) return void proxyReq.destroy()
    this.#request = request
    this.#proxyReq = proxyReq
    this.#socket = socket
    this.#bytesBefore = socket.bytesRead
    this.#restore() // the head is made; loggers that look at `req` from now on find what the client sent
    if (proxyReq.getHeader('connection') === 'close') proxyReq.shouldKeepAlive = false // Node would use it again (RFC 9112, 9.6)
    proxyReq.on('information', (interim) => relayInterim(this.#req, this.#res, interim))
    proxyReq.once('upgrade', (_response, switched: Socket) => {
      switched.destroy()
      this.#fail('response', new Error('switched protocols unasked'))
    })
    if (socket.connecting) socket.once('connect', this.#open)
    else if (!socket.destroyed) this.#open() // destroyed: the system refused at once, the error is on its way
  }

  /** The worker's response has begun; http-proxy-middleware passes it on next. */
  answered(response: IncomingMessage): void {
    const hint = response.headers['keep-alive']
    const fault = cleanResponse(response)
    if (typeof hint === 'string' && this.#socket) WorkerAgent.heed(this.#socket, hint)
    const status = response.statusCode as number
    if (!fault && this.#terms.unwanted.has(status)) return this.#turnDown(response, status)
    this.#response = response
    if (fault) {
      if (this.#request) this.#request.selfHandleResponse = true // so it leaves the response alone
      this.#fail('response', new Error(fault))
      process.nextTick(disown, response) // http-proxy-middleware listens after this event
      return void this.#proxyReq?.destroy() // who answers so is not asked again over this connection
    }
    this.#watchdog.answered(response.headers['content-type'])
    addCookie(response.headers, this.#terms.cookie)
    this.#setConnection(response)
    response.pipe = this.#relay
    // A small body is there with its head, or soon; another may take its time, and the head does not wait for it.
    if (!(Number(response.headers['content-length']) <= SMALL)) flushLater(this.#flushResponse)
  }

  /** http-proxy-middleware reports an error, of this attempt or of one before it. */
  failed(error: Error, target: unknown): void {
    if (target !== this.#target) return
    if (this.#response?.complete) return // what comes behind a whole response is no part of it
    // A response that breaks off: http-proxy-middleware has destroyed `res` with this very error. Else the client left.
    if (this.#res.destroyed && this.#res.errored !== error) return
    this.#fail(this.#phase(), error)
  }

  /** A fault of the options or of the request, not of the worker: the exchange goes no further. */
  readonly broken = (error?: unknown): void => {
    if (this.#settled) return
    this.#takeBack()
    if (this.#request) this.#request.selfHandleResponse = true // so http-proxy-middleware leaves the response alone
    if (this.#response) this.#response.resume()
    else this.#proxyReq?.destroy()
    this.#end(() => this.#settle.reject(error))
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
    } else this.#fail(this.#phase(), error)
    if (this.#response) disown(this.#response)
    this.#proxyReq?.destroy(error)
  }

  /** The answer is not passed on: what there is of its body is nobody's, and `res` is as it was. */
  #turnDown(response: IncomingMessage, status: number): void {
    if (this.#request) this.#request.selfHandleResponse = true // so http-proxy-middleware leaves the response alone
    if (this.#proxyReq?.writableFinished) discard(response)
    else this.#proxyReq?.destroy() // what it has of the body is all it gets
    process.nextTick(disown, response) // http-proxy-middleware listens after this event
    const error = new Error(`answered ${status}`)
    const failure = new WorkerFailure(this.#worker.id, 'response', error, { status })
    this.#end(() => this.#settle.reject(failure))
  }

  /** In the place of the response's `pipe`, by which http-proxy-middleware hands it to `res`. */
  readonly #relay = <T extends NodeJS.WritableStream>(destination: T, options: { end?: boolean } = {}): T => {
    const response = this.#response as IncomingMessage
    if ((destination as unknown) === this.#res) this.#stopRelay = relay(response, this.#res, this.#watchdog)
    else IncomingMessage.prototype.pipe.call(response, destination, options)
    return destination
  }

  readonly #open = (): void => {
    this.#connected = true
    this.#watchdog.connected(this.#upload !== undefined)
    if (!this.#upload || this.#settled) return
    this.#upload.begin()
    setImmediate(this.#flushRequest)
  }

  /** Node holds a head back until the first byte of the body, for which a slow client or a cautious one may wait. */
  readonly #flushRequest = (): void => {
    if (!this.#settled && this.#proxyReq?.headersSent === false) this.#proxyReq.flushHeaders()
  }

  /** The same on the way back: an event stream has begun before its first event. */
  readonly #flushResponse = (): void => {
    if (!this.#settled && !this.#response?.complete && !this.#res.headersSent) this.#res.flushHeaders()
  }

  readonly #closed = (): void => {
    const { writableFinished, statusCode } = this.#res
    this.#end(() => this.#settle.resolve(writableFinished ? statusCode : 'client-gone'))
  }

  /** `Connection` is about the client's connection, not about the worker's. */
  #setConnection({ headers }: IncomingMessage): void {
    const isOld = this.#req.httpVersion === '1.0'
    this.#endsByClosing = isOld && headers['content-length'] === undefined
    const closes =
      this.#endsByClosing || !this.#res.shouldKeepAlive || this.#res.getHeader('connection') === 'close'
    headers.connection = closes ? 'close' : 'keep-alive'
    // For HTTP/1.0 http-proxy-middleware answers with the request's.
    if (isOld) this.#req.headers = { ...this.#headers, connection: headers.connection }
    if (this.#endsByClosing) this.#response?.once('error', () => reset(this.#req.socket))
  }

  #phase(): WorkerFailure['phase'] {
    if (!this.#connected) return 'connect'
    return (this.#socket?.bytesRead ?? 0) > this.#bytesBefore ? 'response' : 'request'
  }

  #fail(phase: WorkerFailure['phase'], error: Error): void {
    if (this.#endsByClosing) reset(this.#req.socket) // a mere end would look whole
    this.#stopRelay?.() // an answer without a length would seem to end here
    if (!this.#settled && !this.#res.headersSent) this.#takeBack()
    const timeout = isTimeout(error)
    const reused = phase === 'request' && !timeout && this.#proxyReq?.reusedSocket === true
    const failure = new WorkerFailure(this.#worker.id, phase, error, { timeout, reused })
    this.#end(() => this.#settle.reject(failure))
  }

  /** Takes the worker's headers off a response that somebody else will write. */
  #takeBack(): void {
    if (!this.#response) return
    this.#stopRelay?.()
    takeBack(this.#res, this.#response)
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#watchdog.stop()
    this.#res.off('close', this.#closed)
    this.#restore()
    this.#upload?.end()
    settle()
  }

  #restore(): void {
    this.#req.url = this.#url
    this.#req.headers = this.#headers
  }
}
