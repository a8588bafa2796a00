import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import type { Options } from 'http-proxy-middleware'
import { WorkerFailure } from '../errors.ts'
import { hasBody } from '../failover.ts'
import type { Worker } from '../worker.ts'
import type { WorkerAgent } from './dial.ts'
import type { Carried } from './forwarder.ts'
import { cleanResponse, requestHeaders, requestPath } from './headers.ts'

/** What http-proxy-middleware takes for a target, made anew for each attempt: by it, late events are told apart. */
export interface Target {
  readonly protocol: string
  readonly host: string
  readonly hostname: string
  readonly port: number
}

export interface Settle {
  resolve(carried: Carried): void
  reject(error: unknown): void
}

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
  #request: { selfHandleResponse?: boolean } | undefined
  #socket: Socket | undefined
  #bytesBefore = 0
  #connected = false
  #response: IncomingMessage | undefined
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
    if (this.#gate) request.buffer = this.#gate
    return this.#target
  }

  /** The request has a socket, which may still be connecting. */
  sending(proxyReq: ClientRequest, request: { selfHandleResponse?: boolean }): void {
    const socket = proxyReq.socket
    if (this.#settled || !socket) return void proxyReq.destroy()
    this.#request = request
    this.#socket = socket
    this.#bytesBefore = socket.bytesRead
    if (this.#path === '*') proxyReq.path = '*' // OPTIONS *, which would go out as /*
    proxyReq.once('upgrade', (_response, switched: Socket) => {
      switched.destroy()
      this.#fail('response', new Error('switched protocols unasked'))
    })
    if (socket.connecting) socket.once('connect', this.#open)
    else this.#open()
  }

  /** The worker's response has begun; http-proxy-middleware passes it on next. */
  answered(response: IncomingMessage): void {
    const fault = cleanResponse(response)
    this.#response = response
    if (fault) {
      if (this.#request) this.#request.selfHandleResponse = true // so it leaves the response alone
      response.resume()
      return this.#fail('response', new Error(fault))
    }
    const { shouldKeepAlive } = this.#res
    const closes = !shouldKeepAlive || this.#res.getHeader('connection') === 'close'
    response.headers.connection = closes ? 'close' : 'keep-alive' // the client's connection, not the worker's
  }

  /** http-proxy-middleware reports an error, of this attempt or of one before it. */
  failed(error: Error, target: unknown): void {
    if (target !== this.#target || this.#res.destroyed) return
    this.#fail(this.#phase(), error)
  }

  /** The request could not even be made: a fault of the options or of the request, not of the worker. */
  readonly broken = (error?: unknown): void => this.#end(() => this.#settle.reject(error))

  readonly #open = (): void => {
    this.#connected = true
    if (this.#gate && !this.#settled) this.#req.pipe(this.#gate)
  }

  readonly #closed = (): void => {
    const { writableFinished, statusCode } = this.#res
    this.#end(() => this.#settle.resolve(writableFinished ? statusCode : 'client-gone'))
  }

  #phase(): WorkerFailure['phase'] {
    if (!this.#connected) return 'connect'
    const answered = (this.#socket?.bytesRead ?? 0) > this.#bytesBefore
    return answered ? 'response' : 'request'
  }

  #fail(phase: WorkerFailure['phase'], error: Error): void {
    if (!this.#settled && !this.#res.headersSent) this.#takeBack()
    this.#end(() => this.#settle.reject(new WorkerFailure(this.#worker.id, phase, error)))
  }

  /** Takes the worker's headers off a response that somebody else will write. */
  #takeBack(): void {
    if (!this.#response) return
    for (const name of Object.keys(this.#response.headers)) this.#res.removeHeader(name)
    this.#res.statusCode = 200
    this.#res.statusMessage = ''
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#res.off('close', this.#closed)
    this.#req.url = this.#url
    this.#req.headers = this.#headers
    if (this.#gate && this.#connected) {
      this.#req.unpipe(this.#gate)
      this.#req.resume() // what is left of the body, so that the client's connection can go on
    }
    settle()
  }
}

export function toTarget(worker: Worker): Target {
  const { hostname, port, url } = worker
  return { protocol: url.protocol, host: url.host, hostname, port }
}
