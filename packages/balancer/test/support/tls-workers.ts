import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls'
import type { PoolOptions, TlsOptions } from '../../src/index.ts'
import { startApp, STEADY, type TestApp } from './app.ts'
import { createAuthority } from './certificates.ts'
import type { Create } from './hostile.ts'
import { listen } from './listen.ts'

/** A server that speaks TLS in front of one that does not, which gets its connections once their handshake is over. */
export function inTls(server: Server, options: ServerOptions): Server {
  const { allowHalfOpen } = server as Server & { readonly allowHalfOpen: boolean }
  const outer = createServer({ allowHalfOpen, noDelay: true, ...options }, (socket) => {
    // What a plain socket can; there is no other way to the one beneath a TLS socket.
    const { _parent: tcp } = socket as TLSSocket & { _parent?: Socket }
    socket.resetAndDestroy = () => {
      tcp?.resetAndDestroy()
      return socket
    }
    server.emit('connection', socket)
  })
  return outer.on('tlsClientError', () => {})
}

/** What starts apps with the forwarder of a contract, for workers that speak TLS. */
export function startingTlsApps(create: Create) {
  return (
    t: TestContext,
    urls: readonly string[],
    tls?: TlsOptions,
    more: PoolOptions = {},
  ): Promise<TestApp> =>
    startApp(t, urls, { forwarder: create(), pool: { ...STEADY, ...(tls && { tls }), ...more } })
}

/** A worker that speaks TLS. */
export interface TlsWorker {
  readonly url: string
  readonly port: number
  /** All connections whose handshake came to its end. */
  readonly sockets: readonly TLSSocket[]
  /** Of each of them whether it resumed a session. */
  readonly resumed: readonly boolean[]
  /** `METHOD path` of all requests but probes. */
  readonly requests: string[]
  /** What `/health` answers. */
  health: number
  /** Goes by other certificates from now on. */
  renew(options: ServerOptions): void
}

type Answer = (req: IncomingMessage, res: ServerResponse) => void

/** Answers `fine`, unless told otherwise; its URL has the name `host`. */
export async function tlsWorker(
  t: TestContext,
  options: ServerOptions,
  answer: Answer = (_req, res) => void res.end('fine'),
  host = 'localhost',
): Promise<TlsWorker> {
  const sockets: TLSSocket[] = []
  const resumed: boolean[] = []
  const requests: string[] = []
  const http = createHttpServer((req, res) => {
    if (req.url !== '/health') requests.push(`${req.method} ${req.url}`)
    if (req.url === '/health') res.writeHead(worker.health).end()
    else answer(req, res)
  })
  http.on('connection', (socket: TLSSocket) => {
    sockets.push(socket)
    resumed.push(socket.isSessionReused())
  })
  const outer = inTls(http, options)
  const port = await listen(t, outer)
  const renew = (other: ServerOptions): void =>
    (outer as ReturnType<typeof createServer>).setSecureContext(other)
  const worker = { url: `https://${host}:${port}`, port, sockets, resumed, requests, health: 200, renew }
  return worker
}

let secrets: { readonly server: ServerOptions; readonly client: TlsOptions } | undefined

/** Has all workers of this test file speak TLS, whatever starts them; for the top of a file, which has a process of its own. */
export function workersSpeakTls(): void {
  const file = { after: (clean: () => void) => void process.once('exit', clean) } as TestContext
  const authority = createAuthority(file)
  const { cert, key } = authority.issue(['localhost', '127.0.0.1'])
  secrets = { server: { cert, key }, client: { ca: authority.cert } }
}

/** Whether they do. */
export function areWorkersInTls(): boolean {
  return secrets !== undefined
}

/** What a pool needs to trust the workers of `workersSpeakTls`. */
export function trusted(): { readonly tls?: TlsOptions } {
  return secrets ? { tls: secrets.client } : {}
}

/** Starts a worker's server, plain or in TLS as the file says. */
export async function listenAsWorker(t: TestContext, server: Server): Promise<{ port: number; url: string }> {
  const port = await listen(t, secrets ? inTls(server, secrets.server) : server)
  return { port, url: `${secrets ? 'https' : 'http'}://127.0.0.1:${port}` }
}

/** How a faulty worker is to be started, plain or in TLS as the file says. */
export function inWorkersTls(): { inTls?: (worker: Server) => Server } {
  const options = secrets?.server
  return options ? { inTls: (worker) => inTls(worker, options) } : {}
}
