import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { answerUpgradeError, HttpError, isWebSocket, OptionError, type LoadBalance } from '@rondo/balancer'
import { logUpgrade, plain, saySeldom } from './access-log.ts'
import { answerClientErrors } from './client-errors.ts'
import { headersRefusal, MOST_CONNECTIONS, MOST_HEADERS, SERVER_OPTIONS } from './limits.ts'

/** What is said to who asks for a tunnel (RFC 9110, 15.5.6). */
const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** The HTTP server of the gateway, with WebSockets; not yet listening. */
export function createGatewayServer(
  app: RequestListener,
  balance: LoadBalance,
  { connections = MOST_CONNECTIONS }: { readonly connections?: number } = {},
): Server {
  const server = createServer(
    // An offer of another protocol, such as h2c, is not taken up: it is served as an ordinary request.
    { ...SERVER_OPTIONS, shouldUpgradeCallback: isWebSocket },
    app,
  )
  server.maxConnections = connections
  server.maxHeadersCount = MOST_HEADERS + 1 // one more than is served: that shows who has too many
  answerClientErrors(server)

  const report = saySeldom()
  server.on('drop', (data) => {
    report(`a connection from ${plain(data?.remoteAddress)} was dropped: ${connections} are open`)
  })

  // The balancer says `100 Continue`, once a worker's connection stands. All who listen for requests get these too.
  server.on('checkContinue', (req, res) => void server.emit('request', req, res))
  // It refuses other expectations too: Node's own 417 would serve what was pipelined behind it.
  server.on('checkExpectation', (req, res) => void server.emit('request', req, res))

  server.on('upgrade', (req, socket, head) => {
    const refusal = headersRefusal(req)
    if (refusal) return turnAway(req, socket, refusal)
    const begun = performance.now()
    const { remoteAddress } = req.socket
    void balance.upgrade(req, socket, head).then(() => logUpgrade(req, remoteAddress, begun))
  })

  // The gateway is no forward proxy. Without a listener Node cuts the connection, and the client doesn't know why.
  server.on('connect', (req, socket) => {
    turnAway(req, socket, new HttpError(405, 'CONNECT is not served', { headers: { Allow: ALLOWED } }))
  })
  return server
}

/** Answers a request that has a socket and no response. */
function turnAway(req: IncomingMessage, socket: Duplex, refusal: HttpError): void {
  const { remoteAddress } = req.socket
  socket.on('error', () => {}) // a client that breaks off is no news
  answerUpgradeError(refusal, socket)
  logUpgrade(req, remoteAddress, performance.now(), refusal.status)
}

/**
 * Listens, and resolves with the port.
 * @throws OptionError that says how to get another port when this one may not be bound.
 */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, port)))
    server.listen(port, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

function explain(error: NodeJS.ErrnoException, port: number): Error {
  const mend = 'set PORT to another, as in PORT=8080 pnpm start'
  if (error.code === 'EACCES') return new OptionError('PORT', port, `may not be bound by this user; ${mend}`)
  if (error.code === 'EADDRINUSE') return new OptionError('PORT', port, `is taken; ${mend}`)
  return error
}
