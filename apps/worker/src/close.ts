import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { WebSocketServer } from 'ws'

/**
 * On abort the server stops accepting, tells WebSockets goodbye (1001) and lets requests in flight finish, for at
 * most `grace` milliseconds; what is left then is cut. The server's own `close` event says when it is empty.
 */
export function closeOnAbort(
  server: Server,
  sockets: WebSocketServer,
  signal: AbortSignal,
  grace: number,
): void {
  const answering = new Set<ServerResponse>()
  // First in line: the header must be there before anything is written.
  server.prependListener('request', (_req: IncomingMessage, res: ServerResponse) => {
    answering.add(res)
    res.once('close', () => answering.delete(res))
    if (signal.aborted) closeAfter(server, res)
  })
  const close = () => {
    for (const res of answering) closeAfter(server, res)
    for (const socket of sockets.clients) socket.close(1001, 'the worker stops')
    const timer = setTimeout(() => cut(server, sockets), grace)
    server.close(() => clearTimeout(timer))
  }
  if (signal.aborted) close()
  else signal.addEventListener('abort', close, { once: true })
}

/** Ends the connection with this response, also when its headers already promised to keep it. */
function closeAfter(server: Server, res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close')
  else res.once('close', () => setImmediate(() => server.closeIdleConnections()))
}

function cut(server: Server, sockets: WebSocketServer): void {
  server.closeAllConnections()
  for (const socket of sockets.clients) socket.terminate()
}
