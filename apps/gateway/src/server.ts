import { createServer, type RequestListener, type Server } from 'node:http'
import { OptionError, type LoadBalance } from '@rondo/balancer'
import { logUpgrade } from './access-log.ts'

/** The HTTP server of the gateway, with WebSockets; not yet listening. */
export function createGatewayServer(app: RequestListener, balance: LoadBalance): Server {
  const server = createServer(
    {
      requestTimeout: 0, // an honest upload may take longer than any bound
      keepAliveTimeout: 65_000, // above the 60 s after which other balancers in front close theirs
      // An offer of another protocol, such as h2c, is not taken up: it is served as an ordinary request.
      shouldUpgradeCallback: (req) => req.headers.upgrade?.toLowerCase() === 'websocket',
    },
    app,
  )
  server.on('upgrade', (req, socket, head) => {
    const begun = performance.now()
    const { remoteAddress } = req.socket
    void balance.upgrade(req, socket, head).then(() => logUpgrade(req, remoteAddress, begun))
  })
  return server
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
