import type { Server as HttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { Trust } from '../client.ts'
import { checkFunction, OptionError } from '../errors.ts'
import { tell } from '../tell.ts'
import { checkDuration } from '../timeouts.ts'
import { ignore } from './ignore.ts'
import { decodeProxy } from './proxy-protocol-decode.ts'
import { showEnds, stopReading } from './proxy-protocol-socket.ts'

/**
 * Why a connection was closed in place of its header: the peer is no trusted proxy; what it sent is no header, not a
 * whole one, or too long; the header was not whole in time.
 */
export type ProxyRefusal = 'proxy-untrusted' | 'proxy-malformed' | 'proxy-timeout'

/** Whose headers are believed, and how long they may take. */
export interface AcceptProxyOptions {
  /** Whose headers are believed: `toTrust(['10.0.0.0/8'])`. It is asked about '' where a peer has no IP address. */
  readonly trustedProxies: Trust
  /** Within how many ms from the connection its header must be whole. Default 3000, which is the least that 2.1 advises. */
  readonly timeout?: number
  /** Told of each connection that is refused, before it is closed. */
  readonly onRefused?: (kind: ProxyRefusal, socket: Socket) => void
}

/**
 * Has each connection of a server of `node:net`, `tls`, `http`, `https` or `http2` begin with a header of the PROXY
 * protocol, version 1 or 2, from a trusted proxy; what else comes is closed, never guessed at (proxy-protocol.txt, 2).
 * The server gets a connection, as any other, once the header is read: its `remoteAddress`, `remotePort`,
 * `localAddress` and `localPort` are the header's, and the bytes behind the header the first that are read. The header
 * of a connection of the proxy's own (LOCAL, UNKNOWN) leaves it the proxy's address.
 *
 * A connection that waits for its header counts among the server's (`maxConnections`, `close`), as one that has sent no
 * request yet: `closeIdleConnections` leaves it its time, `closeAllConnections` cuts it. One that a proxy opens and ends
 * without a byte, to see whether the port is open, is closed and is no refusal.
 * @throws OptionError for a bad option.
 */
export function acceptProxyProtocol(server: Server, options: AcceptProxyOptions): void {
  const { trustedProxies, timeout = 3000, onRefused } = options
  if (typeof trustedProxies !== 'function')
    throw new OptionError('trustedProxies', trustedProxies, 'is no rule; give toTrust(["10.0.0.0/8"])')
  checkDuration('timeout', timeout)
  if (onRefused !== undefined) checkFunction('onRefused', onRefused, '(kind, socket) => {}')

  const waiting = new Set<Socket>()
  const emit = server.emit.bind(server) as (event: string, ...values: unknown[]) => boolean

  function refuse(kind: ProxyRefusal, socket: Socket): void {
    tell(() => onRefused?.(kind, socket))
    socket.destroy()
  }

  function receive(socket: Socket): void {
    const { remoteAddress, localAddress } = socket
    // A TCP connection that was reset before it was taken knows its own end alone: whose it was is not known any more.
    if (remoteAddress === undefined && localAddress !== undefined) return void socket.destroy()
    if (!trustedProxies(remoteAddress ?? '', 0)) return refuse('proxy-untrusted', socket)
    const wasPaused = socket.isPaused() // with the server's `pauseOnConnect`
    let came: Buffer | undefined
    // Bytes may have come while the event loop was blocked: they are read before the time is over.
    const timer = setTimeout(setImmediate, timeout, expire)

    function take(chunk: Buffer): void {
      came = came ? Buffer.concat([came, chunk]) : chunk
      const header = decodeProxy(came)
      if (header === 'partial') return
      leave()
      if (header === 'malformed') return refuse('proxy-malformed', socket)
      if (header.ends) showEnds(socket, header.ends)
      if (wasPaused) socket.pause()
      else stopReading(socket)
      if (came.length > header.length) socket.unshift(came.subarray(header.length))
      emit('connection', socket)
    }
    function expire(): void {
      if (!waiting.has(socket)) return
      leave()
      refuse('proxy-timeout', socket)
    }
    /** For `end` and, with whether it broke, for `close`. */
    function end(isPeers = true): void {
      leave()
      if (came && isPeers) refuse('proxy-malformed', socket)
      else socket.destroy()
    }
    function leave(): void {
      waiting.delete(socket)
      clearTimeout(timer)
      socket.off('data', take).off('end', end).off('close', end).off('error', ignore)
    }
    waiting.add(socket)
    socket.on('data', take).on('end', end).on('close', end).on('error', ignore).resume()
  }

  server.emit = ((event: string, ...values: unknown[]): boolean => {
    if (event !== 'connection') return emit(event, ...values)
    receive(values[0] as Socket)
    return true
  }) as typeof server.emit

  if (!('closeAllConnections' in server)) return
  const http = server as HttpServer
  const closeAllConnections = http.closeAllConnections.bind(http)
  http.closeAllConnections = () => {
    closeAllConnections()
    for (const socket of waiting) socket.destroy()
  }
}
