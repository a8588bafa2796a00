import type { Client } from '../client.ts'
import { rendezvous } from './rendezvous.ts'
import type { Strategy } from './strategy.ts'

/**
 * The same worker for the same address, in every gateway over the same workers. When a worker leaves, its clients move
 * and no others. A client whose address is unknown gets a worker by chance.
 */
export function ipHash({ random = Math.random }: { random?: () => number } = {}): Strategy {
  const pick = rendezvous(addressOf, random)
  return function ipHash(eligible, client) {
    return pick(eligible, client)
  }
}

/** The address, the same for an IPv4 client on an IPv6 socket (RFC 4291, 2.5.5.2); undefined if it is unknown. */
export function addressOf({ ip }: Client): string | undefined {
  if (!ip) return undefined
  return ip.startsWith('::ffff:') ? ip.slice('::ffff:'.length) : ip
}
