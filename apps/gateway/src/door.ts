import type { Server as HttpServer } from 'node:http'
import { Server, type Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { acceptProxyProtocol, answerUpgradeError, HttpError, type Trust } from '@rondo/balancer'
import { plain, saySeldom } from './access-log.ts'
import type { Listen, ListenTls } from './config/config.ts'
import { sentence } from './printable.ts'
import { createTlsServer } from './tls-server.ts'

/** Why a connection was refused in place of its header, in words. */
const PROXY = {
  'proxy-untrusted': 'a PROXY header is due here, and it is none of trustedProxies',
  'proxy-malformed': 'it does not begin with a PROXY header that can be read',
  'proxy-timeout': 'its PROXY header did not come in time',
} as const

type Failure = Error & { code?: string; reason?: string }

/** What is behind a door. */
export interface Inside {
  /** Serves a connection, plain or secured. */
  serve(socket: Socket): void
  /** Whose headers of the PROXY protocol are believed; undefined for nobody's. */
  trust(): Trust | undefined
  /** What clients may choose by ALPN. */
  readonly protocols: readonly string[]
}

/**
 * What stands between a listening server and its connections: it takes them as they are, or has their PROXY headers
 * read, or secures them first. That can be changed while it listens: connections that stand go on as they are.
 */
export class Door {
  readonly #inside: Inside
  readonly #report = saySeldom()
  readonly #refusals = new Map<string, number>()
  /** Reads the headers of connections that it is given; it does not listen. */
  readonly #reader = new Server({ allowHalfOpen: true }, (socket) => this.#admit(socket))
  /** Connections that wait for their headers. */
  readonly #waiting = new Set<Socket>()
  #isProxied = false
  /** Connections that are not secured yet. */
  readonly #shaking = new Set<Socket>()
  /** Connections that came before the config is in force that has the listener. Undefined when it is. */
  #early: Socket[] | undefined = []
  /** The terms on which connections were taken, where that was not plain http. */
  readonly #terms = new WeakMap<object, ListenTls>()
  #tls: ListenTls | undefined
  #secure: TlsServer | undefined

  constructor(inside: Inside) {
    this.#inside = inside
    acceptProxyProtocol(this.#reader, {
      trustedProxies: (address, hop) => inside.trust()?.(address, hop) ?? false,
      onRefused: (kind, { remoteAddress }) =>
        this.refuse(kind, `client ${plain(remoteAddress)} was cut: ${PROXY[kind]}`),
    })
  }

  /** A door before an HTTP server. */
  static before(server: HttpServer, trust: Inside['trust']): Door {
    const [serve] = server.listeners('connection') as ((socket: Socket) => void)[]
    if (!serve) throw new Error('an HTTP server serves connections')
    const door = new Door({ serve: (socket) => serve.call(server, socket), trust, protocols: ['http/1.1'] })
    server.off('connection', serve).on('connection', (socket: Socket) => door.take(socket))
    server.on('drop', () => door.count('full'))
    server.prependListener('request', ({ socket }, res) => {
      if (!door.#isWelcome(socket)) res.shouldKeepAlive = false
    })
    return door
  }

  /** Whether new connections are secured. */
  get isSecure(): boolean {
    return this.#secure !== undefined
  }

  /** How many connections were refused, by why. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals
  }

  /** Makes ready to take connections in this way; the function it returns has new ones go by it. */
  prepare({ tls, proxyProtocol }: Pick<Listen, 'tls' | 'proxyProtocol'>): () => void {
    const isKept = isDeepStrictEqual(tls, this.#tls)
    const secure = isKept ? this.#secure : tls && this.#create(tls)
    return () => {
      this.#isProxied = proxyProtocol?.accept ?? false
      if (isKept) return
      this.#secure = secure
      this.#tls = tls
    }
  }

  /** Opens: what came before is taken now. */
  open(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const socket of early) if (!socket.destroyed) this.take(socket)
  }

  /** Cuts the connections that were not taken, whose headers have not come, or whose handshakes are not over. */
  cut(): void {
    for (const socket of [...(this.#early ?? []), ...this.#waiting, ...this.#shaking]) socket.destroy()
  }

  /** Counts a connection that is refused, and tells the log of it: of a flood a line each second. */
  refuse(kind: string, line: string): void {
    this.count(kind)
    this.#report(line)
  }

  count(kind: string): void {
    this.#refusals.set(kind, (this.#refusals.get(kind) ?? 0) + 1)
  }

  take(socket: Socket): void {
    if (this.#early) return void this.#early.push(socket.on('error', ignore))
    if (!this.#isProxied) return this.#admit(socket)
    this.#waiting.add(socket)
    socket.once('close', () => this.#waiting.delete(socket))
    this.#reader.emit('connection', socket)
  }

  #admit(socket: Socket): void {
    this.#waiting.delete(socket)
    if (!this.#secure) return this.#inside.serve(socket)
    this.#shaking.add(socket)
    socket.allowHalfOpen = false // a client that ends its half amid a handshake is not waited for
    socket.on('error', () => {}) // told by `tlsClientError`
    socket.once('close', () => this.#shaking.delete(socket))
    this.#secure.emit('connection', socket)
  }

  #create(tls: ListenTls): TlsServer {
    const { clients } = tls
    const secure = createTlsServer(tls, this.#inside.protocols)
    secure.on('secureConnection', (socket) => {
      this.#shaking.delete(belowOf(socket))
      if (clients && !socket.authorized) {
        const isShown = socket.getPeerX509Certificate() !== undefined
        if (isShown || clients.required) {
          const why = isShown
            ? `its certificate is not accepted: ${socket.authorizationError}`
            : 'it shows no certificate'
          this.refuse('tls-certificate', `client ${plain(socket.remoteAddress)} was cut: ${sentence(why)}`)
          return socket.destroy()
        }
      }
      this.#terms.set(socket, tls)
      return this.#inside.serve(socket)
    })
    secure.on('tlsClientError', (error: Failure, socket) => this.#fail(error, socket))
    return secure
  }

  /** A handshake that came to nothing. Plain HTTP is answered as such, by the connection below. */
  #fail(error: Failure, socket: TLSSocket): void {
    const below = belowOf(socket)
    const servesHttp = this.#inside.protocols.includes('http/1.1')
    const isHttp = servesHttp && error.code === 'ERR_SSL_HTTP_REQUEST'
    const isNews = error.code !== 'ECONNRESET' // who connects and leaves only looks whether somebody is there
    const how = isHttp
      ? 'answered 400: it speaks plain HTTP on a port for https'
      : 'cut: the TLS handshake failed'
    const why = isHttp ? '' : ` (${error.reason ?? error.message})`
    if (isNews)
      this.refuse(
        'tls-handshake',
        `client ${plain(below.remoteAddress ?? socket.remoteAddress)} was ${how}${sentence(why)}`,
      )
    if (isHttp) answerUpgradeError(new HttpError(400, 'this port speaks https'), below)
    else socket.destroy()
  }

  /** Whether a connection was taken on the terms of now. The certificate that it was shown may be another: it still holds. */
  #isWelcome(socket: object): boolean {
    const terms = this.#terms.get(socket)
    const { minVersion, clients } = this.#tls ?? {}
    return (
      terms === this.#tls || (terms?.minVersion === minVersion && isDeepStrictEqual(terms?.clients, clients))
    )
  }
}

/** Of a connection that breaks before it is taken, its end is seen. */
function ignore(): void {}

/** The connection that one by TLS stands on. Node has no other name for it; addresses may be those of another's PROXY header. */
function belowOf({ _parent: below }: TLSSocket & { readonly _parent?: Socket }): Socket {
  return below as Socket
}
