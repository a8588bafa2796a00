import type { buildConnector } from 'undici'
import type { Worker } from '../worker.ts'
import { dial } from './dial.ts'

/** Errors of connections that had carried something before they broke. */
const ofUsed = new WeakSet<Error>()

/** What undici makes its connections to a worker by; they must stand within `timeout` ms. */
export function connector(worker: Worker, timeout: number): buildConnector.connector {
  return (_options, callback) => {
    const socket = dial({ host: worker.hostname, port: worker.port, noDelay: true }, timeout)
    const failed = (error: Error): void => callback(error, null)
    socket.once('error', failed)
    socket.once('connect', () => {
      socket.off('error', failed)
      // Ahead of undici's own listener, which ends the exchange with the very error.
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (socket.bytesRead > 0) ofUsed.add(error)
        if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET' // which undici takes for the end of an answer
      })
      callback(null, socket)
    })
  }
}

/** Whether the connection that an exchange failed by had answered before; if the exchange got no byte, it was another's. */
export function wasReused(error: Error): boolean {
  return ofUsed.has(error)
}
