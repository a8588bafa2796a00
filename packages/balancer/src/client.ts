import type { IncomingMessage } from 'node:http'

/** Who is asking, as strategies see it. */
export interface Client {
  /** The peer's address, or what Express makes of it by its `trust proxy` setting. Undefined once the peer is gone. */
  readonly ip: string | undefined
}

type TrustProxy = (address: string, hop: number) => boolean
interface ExpressRequest {
  ip?: string
  app?: { get?(setting: string): unknown }
}

/** The client of an HTTP request; lazy, since most strategies never ask. */
export function httpClient(req: IncomingMessage & ExpressRequest): Client {
  return {
    get ip() {
      return req.app ? req.ip : req.socket?.remoteAddress
    },
  }
}

/**
 * Whether the peer's own `X-Forwarded-*` may be believed: by Express's `trust proxy` setting when the request
 * came through an Express app, else never.
 */
export function peerIsTrusted(req: IncomingMessage & ExpressRequest): boolean {
  const trust = req.app?.get?.('trust proxy fn') as TrustProxy | undefined
  return trust?.(req.socket.remoteAddress ?? '', 0) ?? false
}
