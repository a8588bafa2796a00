import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { showAddress, type Address } from '../config/address.ts'
import type { Config, ListenTls } from '../config/config.ts'

type Listener = Address & { readonly tls?: ListenTls | undefined }

/**
 * A config by which processes resume each other's sessions of TLS: a client comes to another of them each time. Where
 * `current` has the same listener with the same certificates and terms, its sessions go on.
 */
export function withTickets(config: Config, current?: Config): Config {
  return {
    ...config,
    listen: config.listen.map((listener) => filled(listener, current?.listen)),
    tcp: config.tcp.map((listener) => filled(listener, current?.tcp)),
  }
}

function filled<L extends Listener>(listener: L, current: readonly L[] = []): L {
  const { tls } = listener
  if (!tls) return listener
  const former = current.find((one) => showAddress(one) === showAddress(listener))?.tls
  const isSame = isDeepStrictEqual({ ...former, tickets: undefined }, { ...tls, tickets: undefined })
  const tickets = (isSame && former?.tickets) || {
    keys: randomBytes(48),
    context: randomBytes(16).toString('hex'),
  }
  return { ...listener, tls: { ...tls, tickets } }
}
