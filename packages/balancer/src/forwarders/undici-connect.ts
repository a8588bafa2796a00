import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import type { Tls } from '../tls.ts'
import type { Worker } from '../worker.ts'
import { dial, dialTls } from './dial.ts'

/** Errors of connections that had carried something before they broke. */
const ofUsed = new WeakSet<Error>()

/**
 * What undici makes its connections to a worker by; they must stand within `timeout` ms. Those whose handshake is under
 * way are among the `pending`, since undici does not know of them yet.
 */
export function connector(
  worker: Worker,
  timeout: number,
  tls: Tls,
  pending: Set<Socket>,
): buildConnector.connector {
  const options = { host: worker.hostname, port: worker.port, noDelay: true }
  if (!worker.isSecure)
    return (_options, callback) => {
      const socket = dial(options, timeout)
      const failed = (error: Error): void => callback(error, null)
      socket.once('error', failed)
      socket.once('connect', () => {
        socket.off('error', failed)
        watch(socket)
        callback(null, socket)
      })
    }
  return (_options, callback) => {
    const dialed = dialTls(worker, tls, { noDelay: true }, timeout, (error, socket) => {
      pending.delete(dialed)
      if (error) return callback(error, null)
      watch(socket)
      callback(null, socket)
    })
    pending.add(dialed)
  }
}

/** Ahead of undici's own listener, which ends the exchange with the very error. */
function watch(socket: Socket): void {
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (socket.bytesRead > 0) ofUsed.add(error)
    if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET' // which undici takes for the end of an answer
  })
}

/** Whether the connection that an exchange failed by had answered before; if the exchange got no byte, it was another's. */
export function wasReused(error: Error): boolean {
  return ofUsed.has(error)
}
