import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Listen } from '../config/config.ts'
import type { Gateway } from '../gateway.ts'
import { giveUpgrade } from '../serve-route.ts'
import { createGatewayServer, type Handlers } from '../server.ts'
import { createAdminApp } from './app.ts'
import { Problem } from './problem.ts'

/** For a whole request with its body, in ms: bodies are small. */
const REQUEST = 30_000

/** A server for the admin API of a gateway, with the limits of its other servers; not yet listening. */
export function createAdminServer(gateway: Gateway, current: () => Listen): Server {
  const app = createAdminApp(gateway)
  const handlers: Handlers = {
    onRequest: app,
    onUpgrade: async (req, socket) => {
      const problem = new Problem(400, 'the admin API has no WebSockets')
      const headers = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' }
      giveUpgrade({ status: 400, headers, body: `${JSON.stringify(problem)}\n` }, req, socket as Socket)
      return 400
    },
    onOver() {},
  }
  const server = createGatewayServer(handlers, current)
  server.requestTimeout = REQUEST
  return server
}
