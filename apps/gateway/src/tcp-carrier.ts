import { balanceTcp, bySni, type BalanceTcp, type BalanceTcpOptions, type Pool } from '@rondo/balancer'
import type { TcpListen } from './config/tcp-config.ts'
import { urlOf, type Listener } from './listeners.ts'
import type { TcpEntry } from './tcp-log.ts'
import type { TcpServer } from './tcp-server.ts'

/** Why a connection was refused for the hello of its TLS, in words. */
const HELLO = {
  'hello-timeout': 'its TLS did not begin in time',
  'hello-malformed': 'it speaks no TLS that can be read',
  'hello-too-large': 'its TLS begins with more than 64 KiB',
  'no-route': 'it asks for a name that sni has not',
} as const

/** Has the new connections of a listener go to the pools that it names, which are there; `log` is told of those that are over. */
export function carryBy(
  tcp: Listener<TcpListen, TcpServer>,
  pools: ReadonlyMap<string, Pool>,
  log: (entry: TcpEntry) => void,
): void {
  const { address, served } = tcp
  const { pool, sni, idleTimeout, halfCloseTimeout, proxyProtocol } = address
  const listener = urlOf(tcp)
  const options: BalanceTcpOptions = {
    ...(idleTimeout !== undefined && { idleTimeout }),
    ...(halfCloseTimeout !== undefined && { halfCloseTimeout }),
    proxyProtocol: { send: proxyProtocol?.send },
    onClose: (closed) => log({ ...closed, listener }),
  }
  const to = (name: string): BalanceTcp => balanceTcp(pools.get(name) as Pool, options)
  const fallback = pool === undefined ? undefined : to(pool)
  if (sni) {
    const routes = Object.fromEntries(Object.entries(sni).map(([name, own]) => [name, to(own)]))
    served.carry = bySni(routes, {
      ...(fallback && { fallback }),
      onRefused: (kind, socket) => served.refuse(kind, socket, HELLO[kind]),
    })
  } else if (fallback) served.carry = fallback
}
