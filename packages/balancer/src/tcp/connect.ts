import type { OnReadOpts, Socket } from 'node:net'
import { dial, dialTls } from '../forwarders/dial.ts'
import type { Tls } from '../tls.ts'
import type { Worker } from '../worker.ts'
import { ignore } from './ignore.ts'
import { encodeProxy, type ProxyVersion } from './proxy-protocol.ts'

/** How a worker is connected to. */
export interface Connecting {
  readonly tls: Tls
  /** How its bytes are read where they come in the clear. */
  readonly onread: OnReadOpts
  /** Within how many ms the connection must stand, a handshake included. */
  readonly timeout: number
  /** The version of the PROXY header that goes out before all else; undefined for none. */
  readonly send: ProxyVersion | undefined
}

/**
 * A connection to a worker, by TLS if it wants that; undefined where the client has left meanwhile.
 * @throws Error for one that does not stand, with the code ETIMEDOUT where that took too long.
 */
export function connect(
  worker: Worker,
  client: Socket,
  { tls, onread, timeout, send }: Connecting,
): Promise<Socket | undefined> {
  const until = performance.now() + timeout
  const header = send && headerOf(client, send) // now: who breaks off meanwhile has no address any more
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = worker
    const options = { host, port, allowHalfOpen: true, noDelay: true }
    const socket = dial(worker.isSecure ? options : { ...options, onread }, timeout)
    function leave(): void {
      socket.destroy()
      resolve(undefined)
    }
    function connected(): void {
      socket.off('error', fail).on('error', ignore)
      if (header) socket.write(header)
      if (!worker.isSecure) return stand(socket)
      dialTls(worker, tls, { socket }, until - performance.now(), (error, secured) => {
        if (error) fail(error)
        else stand(secured)
      })
    }
    function stand(connection: Socket): void {
      client.off('close', leave)
      resolve(connection)
    }
    function fail(error: Error): void {
      client.off('close', leave)
      reject(error)
    }
    client.once('close', leave)
    socket.once('connect', connected).once('error', fail)
  })
}

/** The header that tells a worker of its client. */
function headerOf(client: Socket, version: ProxyVersion): Buffer {
  const source = { address: client.remoteAddress, port: client.remotePort }
  const destination = { address: client.localAddress, port: client.localPort }
  return encodeProxy(version, { source, destination })
}
