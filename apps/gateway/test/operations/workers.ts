import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { WebSocketServer } from 'ws'
import type { Certificate } from '../../../../packages/balancer/test/support/certificates.ts'

/** How many ticks an event stream has, and how far apart they are in ms. */
export const TICKS = 20
const GAP = 25

/**
 * A worker in this process, over https with a certificate. It gives its name; a POST gets its body back; `…/events` is a
 * stream of ticks; WebSockets are echoed. Resolves with its URL.
 */
export async function startWorker(t: TestContext, name: string, certificate?: Certificate): Promise<string> {
  const options = { keepAliveTimeout: 65_000, requestTimeout: 0 }
  const answer = (req: IncomingMessage, res: ServerResponse): void => serve(req, res, name)
  const server = certificate
    ? createSecureServer({ ...options, cert: certificate.cert, key: certificate.key }, answer)
    : createServer(options, answer)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data.toString())))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return `${certificate ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function serve(req: IncomingMessage, res: ServerResponse, name: string): void {
  if (req.url === '/health') res.end()
  else if (req.method === 'POST') req.pipe(res)
  else if (req.url?.endsWith('/events')) ticks(res)
  else res.end(name)
}

function ticks(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' })
  let sent = 0
  const timer = setInterval(() => {
    res.write(`data: ${++sent}\n\n`)
    if (sent < TICKS) return
    clearInterval(timer)
    res.end()
  }, GAP)
  res.on('close', () => clearInterval(timer))
}
