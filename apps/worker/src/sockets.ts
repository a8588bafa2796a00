import type { IncomingMessage, Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'

/** Whether a request asks for a WebSocket rather than some other upgrade. */
export function isWebSocket(req: IncomingMessage): boolean {
  return req.headers.upgrade?.toLowerCase() === 'websocket'
}

/** Echoes every WebSocket message at any path; text stays text, binary stays binary. */
export function echoWebSockets(server: Server): WebSocketServer {
  // Not `{ server }`: ws would then take over the server's errors, and a taken port would end in a stack trace.
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (req: IncomingMessage, socket, head: Buffer) => {
    sockets.handleUpgrade(req, socket, head, echoMessages)
  })
  return sockets
}

function echoMessages(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => {
    // One message at a time: a client that does not read its echoes is not read either.
    socket.pause()
    socket.send(data, { binary: isBinary }, () => socket.resume())
  })
  socket.on('error', () => {}) // a broken frame or a lost client; ws closes the socket itself
}
