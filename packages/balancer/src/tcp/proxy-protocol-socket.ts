import { isIPv6, type Socket } from 'node:net'
import type { Endpoint, Endpoints } from './proxy-protocol.ts'

/** An address as a handle of Node's says it. */
interface Address {
  address?: string
  family?: string
  port?: number
}

const ENDS: unique symbol = Symbol('rondo.ends')

/** What a socket asks for its addresses, and TLS over it too. */
interface Handle {
  [ENDS]?: Endpoints
  getpeername?(out: Address): number
  getsockname?(out: Address): number
}

/**
 * Gives a socket, and TLS over it, these addresses for its own: `remoteAddress`, `localAddress` and what belongs to them.
 * Node has no way to do so: this goes by how its sockets keep the addresses that they have asked for.
 */
export function showEnds(socket: Socket, ends: Endpoints): void {
  Object.assign(socket, { _peername: toAddress(ends.source), _sockname: toAddress(ends.destination) })
  const { _handle: handle } = socket as { _handle?: Handle | null }
  if (!handle) return
  handle[ENDS] = ends
  handle.getpeername = getPeerName
  handle.getsockname = getSockName
}

/**
 * Takes a socket that was read back to how it was made: whoever comes next has it flow by listening for `data`, or reads
 * it. `pause()` would keep it from them.
 */
export function stopReading(socket: Socket): void {
  ;(socket as { readableFlowing: boolean | null }).readableFlowing = null
}

function toAddress({ address, port }: Endpoint): Address {
  return { address: address ?? '', family: isIPv6(address ?? '') ? 'IPv6' : 'IPv4', port: port ?? 0 }
}

// Shared by all handles: closures for each would cost memory as long as the connection lives.

function getPeerName(this: Handle, out: Address): number {
  Object.assign(out, this[ENDS] && toAddress(this[ENDS].source))
  return 0
}

function getSockName(this: Handle, out: Address): number {
  Object.assign(out, this[ENDS] && toAddress(this[ENDS].destination))
  return 0
}
