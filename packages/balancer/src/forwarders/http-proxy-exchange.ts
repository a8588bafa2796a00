import { IncomingMessage, type ClientRequest, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import type { Options } from 'http-proxy-middleware'
import { WorkerFailure } from '../errors.ts'
import { hasBody } from '../failover.ts'
import type { Worker } from '../worker.ts'
import { isTimeout, reset, WorkerAgent } from './dial.ts'
import type { Settle } from './forwarder.ts'
import { cleanResponse, requestHeaders, requestPath } from './headers.ts'
import { flushLater, noBody, relay, SMALL } from './relay.ts'

/** What http-proxy-middleware takes for a target, made anew for each attempt: by it, late events are told apart. */
export interface Target {
  readonly protocol: string
  readonly host: string
  readonly hostname: string
  readonly port: number
}

/** httpxy's options for one request. */
type PerRequest = Pick<Options, 'selfHandleResponse' | 'proxyTimeout'>

/** One request on its way to one worker through http-proxy-middleware, which reads its url and headers from `req`. */
export class HttpExchange {
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #worker: Worker
  readonly #agent: WorkerAgent
  readonly #settle: Settle
  readonly #target: Target
  /** What `req` held before the attempt, and holds again after it. */
  readonly #url: string | undefined
  readonly #headers: IncomingHttpHeaders
  readonly #path: string
  /** Holds the body back until a connection stands, so that a refused one costs nothing of it. */
  readonly #gate: PassThrough | undefined
  #request: PerRequest | undefined
  #proxyReq: ClientRequest | undefined
  #socket: Socket | undefined
  #bytesBefore = 0
  #connected = false
  #timedOut = false
  #response: IncomingMessage | undefined
  #stopRelay: (() => void) | undefined
  #settled = false

  constructor(req: IncomingMessage, res: ServerResponse, worker: Worker, agent: WorkerAgent, settle: Settle) {
    this.#req = req
    this.#res = res
    this.#worker = worker
    this.#agent = agent
    this.#settle = settle
    this.#target = toTarget(worker)
    this.#url = req.url
    this.#headers = req.headers
    this.#path = requestPath(req.url)
    this.#gate = hasBody(req) ? new PassThrough() : undefined
    req.headers = requestHeaders(req)
    req.url = '/' // http-proxy-middleware parses it, and gives up on some that are none of its business
    res.once('close', this.#closed)
  }

  /** Called by http-proxy-middleware once it has parsed `req.url`, before it rewrites and sends it. */
  route(request: Options): Target {
    this.#req.url = this.#path
    request.agent = this.#agent
    request.buffer = this.#gate ?? (noBody as unknown as PassThrough)
    return this.#target
  }

  /** The request has a socket, which may still be connecting. */
  sending(proxyReq: ClientRequest, request: PerRequest): void {
    const socket = proxyReq.socket
    if (this.#settled || !socket) return void proxyReq.destroy()
    this.#request = request
    this.#proxyReq = proxyReq
    this.#socket = socket
    this.#bytesBefore = socket.bytesRead
    this.#restore() // the head is made; loggers that look at `req` from now on find what the client sent
    if (this.#path === '*') proxyReq.path = '*' // OPTIONS *, which would go out as /*
    if (request.proxyTimeout)
      proxyReq.once('timeout', () => {
        this.#timedOut = true // http-proxy-middleware breaks off by it
      })
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
    this.#response = response
    if (fault) {
      if (this.#request) this.#request.selfHandleResponse = true // so it leaves the response alone
      response.resume()
      return this.#fail('response', new Error(fault))
    }
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

  /** In the place of the response's `pipe`, by which http-proxy-middleware hands it to `res`. */
  readonly #relay = <T extends NodeJS.WritableStream>(destination: T, options: { end?: boolean } = {}): T => {
    const response = this.#response as IncomingMessage
    if ((destination as unknown) === this.#res) this.#stopRelay = relay(response, this.#res)
    else IncomingMessage.prototype.pipe.call(response, destination, options)
    return destination
  }

  readonly #open = (): void => {
    this.#connected = true
    if (!this.#gate || this.#settled) return
    this.#req.pipe(this.#gate)
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
    const endsByClosing = isOld && headers['content-length'] === undefined
    const closes =
      endsByClosing || !this.#res.shouldKeepAlive || this.#res.getHeader('connection') === 'close'
    headers.connection = closes ? 'close' : 'keep-alive'
    // For HTTP/1.0 http-proxy-middleware answers with the request's.
    if (isOld) this.#req.headers = { ...this.#headers, connection: headers.connection }
    if (endsByClosing) this.#response?.once('error', () => reset(this.#req.socket)) // a mere end would look whole
  }

  #phase(): WorkerFailure['phase'] {
    if (!this.#connected) return 'connect'
    const answered = (this.#socket?.bytesRead ?? 0) > this.#bytesBefore
    return answered ? 'response' : 'request'
  }

  #fail(phase: WorkerFailure['phase'], error: Error): void {
    if (!this.#settled && !this.#res.headersSent) this.#takeBack()
    const timeout = this.#timedOut || isTimeout(error)
    this.#end(() => this.#settle.reject(new WorkerFailure(this.#worker.id, phase, error, { timeout })))
  }

  /** Takes the worker's headers off a response that somebody else will write. */
  #takeBack(): void {
    if (!this.#response) return
    this.#stopRelay?.()
    for (const name of Object.keys(this.#response.headers)) this.#res.removeHeader(name)
    this.#res.statusCode = 200
    this.#res.statusMessage = ''
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#res.off('close', this.#closed)
    this.#restore()
    if (this.#gate && this.#connected) {
      this.#req.unpipe(this.#gate)
      this.#req.resume() // what is left of the body, so that the client's connection can go on
    }
    settle()
  }

  #restore(): void {
    this.#req.url = this.#url
    this.#req.headers = this.#headers
  }
}

export function toTarget(worker: Worker): Target {
  const { host, hostname, port } = worker
  return { protocol: 'http:', host, hostname, port }
}
