import { Server as HttpServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { refusing } from '../faults/unreachable.ts'

/** Starts a server on a free port of 127.0.0.1; when the test is over it ends, with every connection it has. */
export async function listen(t: TestContext, server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  t.after(async () => {
    if (server instanceof HttpServer) server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** A port on which nobody listens, nor will as long as this process lives: connections to it are refused. */
export async function deadPort(): Promise<number> {
  return (await refusing()).port
}
