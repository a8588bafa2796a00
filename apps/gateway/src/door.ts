import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { answerUpgradeError, HttpError } from '@rondo/balancer'
import { plain, saySeldom } from './access-log.ts'
import type { ListenTls } from './config/config.ts'
import { sentence } from './printable.ts'
import { createTlsServer } from './tls-server.ts'

type Failure = Error & { code?: string; reason?: string }

/**
 * What stands between a listening HTTP server and its connections: it takes them as they are, or secures them first. That
 * can be changed while it listens: connections that stand go on as they are.
 */
export class Door {
  /** Node's own way of serving a connection, plain or secured. */
  readonly #serve: (socket: Socket) => void
  readonly #report = saySeldom()
  /** Connections that are not secured yet, by their addresses: one that is secured does not tell which it stands on. */
  readonly #shaking = new Map<string, Socket>()
  /** The terms on which connections were taken, where that was not plain http. */
  readonly #terms = new WeakMap<object, ListenTls>()
  #tls: ListenTls | undefined
  #secure: TlsServer | undefined

  constructor(server: HttpServer) {
    const [serve] = server.listeners('connection') as ((socket: Socket) => void)[]
    if (!serve) throw new Error('an HTTP server serves connections')
    this.#serve = (socket) => serve.call(server, socket)
    server.off('connection', serve).on('connection', (socket: Socket) => this.#take(socket))
    server.prependListener('request', ({ socket }, res) => {
      if (!this.#isWelcome(socket)) res.shouldKeepAlive = false
    })
  }

  /** Makes ready what secures connections, or nothing for plain http; the function it returns has new ones go by it. */
  prepare(tls: ListenTls | undefined): () => void {
    const isKept = isDeepStrictEqual(tls, this.#tls)
    const secure = isKept ? this.#secure : tls && this.#create(tls)
    return () => {
      if (isKept) return
      this.#secure = secure
      this.#tls = tls
    }
  }

  /** Cuts the connections whose handshakes are not over. */
  cut(): void {
    for (const socket of this.#shaking.values()) socket.destroy()
  }

  #take(socket: Socket): void {
    if (!this.#secure) return this.#serve(socket)
    const name = nameOf(socket)
    this.#shaking.set(name, socket)
    socket.allowHalfOpen = false // a client that ends its half amid a handshake is not waited for
    socket.on('error', () => {}) // told by `tlsClientError`
    socket.once('close', () => {
      if (this.#shaking.get(name) === socket) this.#shaking.delete(name)
    })
    this.#secure.emit('connection', socket)
  }

  #create(tls: ListenTls): TlsServer {
    const { clients } = tls
    const secure = createTlsServer(tls)
    secure.on('secureConnection', (socket) => {
      this.#shaking.delete(nameOf(socket))
      if (clients && !socket.authorized) {
        const isShown = socket.getPeerX509Certificate() !== undefined
        if (isShown || clients.required) {
          const why = isShown
            ? `its certificate is not accepted: ${socket.authorizationError}`
            : 'it shows no certificate'
          this.#report(`client ${plain(socket.remoteAddress)} was cut: ${sentence(why)}`)
          return socket.destroy()
        }
      }
      this.#terms.set(socket, tls)
      return this.#serve(socket)
    })
    secure.on('tlsClientError', (error: Failure, socket) => this.#refuse(error, socket))
    return secure
  }

  /** A handshake that came to nothing. Plain HTTP is answered as such, by the connection below. */
  #refuse(error: Failure, socket: TLSSocket): void {
    const below = this.#shaking.get(nameOf(socket))
    const isHttp = error.code === 'ERR_SSL_HTTP_REQUEST' && below !== undefined
    const isNews = error.code !== 'ECONNRESET' // who connects and leaves only looks whether somebody is there
    const how = isHttp
      ? 'answered 400: it speaks plain HTTP on a port for https'
      : 'cut: the TLS handshake failed'
    const why = isHttp ? '' : ` (${error.reason ?? error.message})`
    if (isNews)
      this.#report(`client ${plain(below?.remoteAddress ?? socket.remoteAddress)} was ${how}${sentence(why)}`)
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

/** The two ends of a connection, which no other has at the same time. */
function nameOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`
}
