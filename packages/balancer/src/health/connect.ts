import { connect, type Socket } from 'node:net'
import { LOCAL_V2 } from '../tcp/proxy-protocol.ts'
import { connectTls } from '../tls-connect.ts'
import type { Tls } from '../tls.ts'
import type { Worker } from '../worker.ts'

/** How a probe comes to its worker. */
export interface Way {
  /** Default the worker's own. */
  readonly port?: number | undefined
  /** Says by the PROXY protocol that the connection is of the balancer's own making. Default not. */
  readonly proxyProtocol?: 'v2' | undefined
  readonly tls: Tls
}

/**
 * Begins a connection of a probe's own, by TLS to `https:` and `tls:` workers, on each port. `done` is told once that it
 * stands, or why it does not; errors of what it got are its own to hear. The connection ends with `signal`.
 */
export function connectProbe(
  worker: Worker,
  { port = worker.port, proxyProtocol, tls }: Way,
  signal: AbortSignal,
  done: (error: Error | null, socket: Socket) => void,
): void {
  const socket = connect({ host: worker.hostname, port, signal, noDelay: true })
  const fail = (error: Error): void => done(error, socket)
  socket.once('error', fail)
  socket.once('connect', () => {
    if (proxyProtocol) socket.write(LOCAL_V2)
    if (worker.isSecure) connectTls(worker, tls, { socket, resumes: false }, done)
    else {
      socket.off('error', fail)
      done(null, socket)
    }
  })
}
