import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { answerUpgradeError, HttpError, isWebSocket } from '@rondo/balancer'
import { plain, saySeldom, type Entry } from './access-log.ts'
import { arrive } from './arrival.ts'
import { answerClientErrors } from './client-errors.ts'
import type { Listen } from './config/config.ts'
import { headersRefusal, MOST_HEADERS, SERVER_OPTIONS } from './limits.ts'
import { redirectTo } from './redirect.ts'
import { giveUpgrade } from './serve-route.ts'

/** What is said to who asks for a tunnel (RFC 9110, 15.5.6). */
const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** What a server hands on. */
export interface Handlers {
  readonly onRequest: RequestListener
  /** Takes a WebSocket; resolves with the status that it was answered, if known, when its connection has closed. */
  onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<Entry['status']>
  /** Told of each upgrade, and of what was turned away before it was a request. */
  onOver(entry: Entry): void
}

/**
 * An HTTP server of the gateway, with WebSockets; not yet listening, and without the limits of a config. `current` is what
 * the config says of its listener at the moment.
 */
export function createGatewayServer(handlers: Handlers, current: () => Listen): Server {
  const server = createServer(
    // An offer of another protocol, such as h2c, is not taken up: it is served as an ordinary request.
    { ...SERVER_OPTIONS, shouldUpgradeCallback: isWebSocket },
    (req, res) => {
      arrive(req, current())
      handlers.onRequest(req, res)
    },
  )
  server.maxHeadersCount = MOST_HEADERS + 1 // one more than is served: that shows who has too many
  answerClientErrors(server)

  const report = saySeldom()
  server.on('drop', (data) => {
    report(`a connection from ${plain(data?.remoteAddress)} was dropped: ${server.maxConnections} are open`)
  })

  // The balancer says `100 Continue`, once a worker's connection stands. All who listen for requests get these too.
  server.on('checkContinue', (req, res) => void server.emit('request', req, res))
  // It refuses other expectations too: Node's own 417 would serve what was pipelined behind it.
  server.on('checkExpectation', (req, res) => void server.emit('request', req, res))

  server.on('upgrade', (req, socket, head) => {
    const refusal = headersRefusal(req)
    if (refusal) return turnAway(req, socket, refusal)
    const listen = current()
    if (listen.redirect !== undefined) return sendOn(req, socket as Socket, listen.redirect)
    arrive(req, listen)
    const begun = performance.now()
    const { remoteAddress: address } = req.socket
    void handlers.onUpgrade(req, socket, head).then((status) => {
      const duration = (performance.now() - begun).toFixed(1)
      handlers.onOver({ req, address, status, length: undefined, duration })
    })
  })

  // The gateway is no forward proxy. Without a listener Node cuts the connection, and the client doesn't know why.
  server.on('connect', (req, socket) => {
    turnAway(req, socket, new HttpError(405, 'CONNECT is not served', { headers: { Allow: ALLOWED } }))
  })
  return server

  function sendOn(req: IncomingMessage, socket: Socket, port: number): void {
    const { remoteAddress: address } = socket
    try {
      const answer = redirectTo(port, req)
      giveUpgrade(answer, req, socket)
      handlers.onOver({ req, address, status: answer.status, length: undefined, duration: '0.0' })
    } catch (error) {
      turnAway(req, socket, error as HttpError)
    }
  }

  /** Answers a request that has a socket and no response. */
  function turnAway(req: IncomingMessage, socket: Duplex, refusal: HttpError): void {
    const { remoteAddress: address } = req.socket
    socket.on('error', () => {}) // a client that breaks off is no news
    answerUpgradeError(refusal, socket)
    handlers.onOver({ req, address, status: refusal.status, length: undefined, duration: '0.0' })
  }
}
