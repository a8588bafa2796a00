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
export function httpClient(req: IncomingMessage): Client {
  return new HttpClient(req)
}

/** A class, since an object literal with a getter would cost V8 a hidden class for each request. */
class HttpClient implements Client {
  readonly #req: IncomingMessage & ExpressRequest

  constructor(req: IncomingMessage) {
    this.#req = req
  }

  get ip(): string | undefined {
    return this.#req.app ? this.#req.ip : this.#req.socket?.remoteAddress
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
