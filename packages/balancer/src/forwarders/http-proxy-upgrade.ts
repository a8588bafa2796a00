import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Options } from 'http-proxy-middleware'
import { WorkerFailure } from '../errors.ts'
import type { Worker } from '../worker.ts'
import { ConnectionAgent } from './dial.ts'
import { cleanResponse, requestHeaders, requestPath, stripHopByHop } from './headers.ts'
import { toTarget, type Settle, type Target } from './http-proxy-exchange.ts'

/** One WebSocket on its way to one worker through http-proxy-middleware, over a connection that already stands. */
export class UpgradeExchange {
  readonly #req: IncomingMessage
  readonly #socket: Duplex
  readonly #worker: Worker
  readonly #connection: Socket
  readonly #settle: Settle
  /** What `req` held before the attempt, and holds again after it. */
  readonly #url: string | undefined
  readonly #headers: IncomingHttpHeaders
  readonly #path: string
  #status: number | undefined
  #settled = false

  constructor(req: IncomingMessage, socket: Duplex, worker: Worker, connection: Socket, settle: Settle) {
    this.#req = req
    this.#socket = socket
    this.#worker = worker
    this.#connection = connection
    this.#settle = settle
    this.#url = req.url
    this.#headers = req.headers
    this.#path = requestPath(req.url)
    const headers = requestHeaders(req)
    delete headers['transfer-encoding']
    req.headers = { ...headers, connection: 'Upgrade', upgrade: 'websocket' }
    req.url = '/' // http-proxy-middleware parses it, and gives up on some that are none of its business
    socket.once('close', this.#closed)
    connection.once('close', this.#lost)
  }

  /** Called by http-proxy-middleware once it has parsed `req.url`, before it rewrites and sends it. */
  route(request: Options): Target {
    this.#req.url = this.#path
    request.agent = new ConnectionAgent(this.#connection)
    return toTarget(this.#worker)
  }

  /** The request is made; nothing is written yet, and http-proxy-middleware's listeners come after these. */
  sending(proxyReq: ClientRequest): void {
    proxyReq.once('upgrade', (response) => {
      this.#status = 101
      const { upgrade } = response.headers
      stripHopByHop(response.headers)
      Object.assign(response.headers, { connection: 'Upgrade', upgrade: upgrade ?? 'websocket' })
    })
    proxyReq.once('response', (response) => {
      const fault = cleanResponse(response)
      this.#status = response.statusCode
      if (!fault) return
      Object.assign(response, { upgrade: true }) // so http-proxy-middleware does not relay it as a refusal
      response.resume()
      this.#fail(new Error(fault), 'response')
    })
    // http-proxy-middleware would end the client's socket on any error; before the answer, another worker may
    // still take the upgrade. Its listener is there only after this event.
    process.nextTick(() => {
      proxyReq.removeAllListeners('error')
      proxyReq.on('error', (error) =>
        this.#fail(error, this.#connection.bytesRead > 0 ? 'response' : 'request'),
      )
    })
  }

  /** An error of the client's socket, of the worker's after the upgrade, or of an option of the user's. */
  failed(error: Error): void {
    if (this.#socket.destroyed) return
    if (this.#status === undefined) this.#end(() => this.#settle.reject(error))
    else this.#fail(error, 'response')
  }

  readonly #closed = (): void => {
    this.#connection.destroy()
    this.#end(() => this.#settle.resolve(this.#status ?? 'client-gone'))
  }

  /** The worker's side is gone: the client gets what was under way to it, then its end. */
  readonly #lost = (): void => {
    if (this.#status === undefined) return
    if (this.#socket.writableFinished) this.#socket.destroy()
    else this.#socket.end(() => this.#socket.destroy())
  }

  #fail(error: Error, phase: WorkerFailure['phase']): void {
    this.#end(() => this.#settle.reject(new WorkerFailure(this.#worker.id, phase, error)))
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#socket.off('close', this.#closed)
    this.#req.url = this.#url
    this.#req.headers = this.#headers
    settle()
  }
}
