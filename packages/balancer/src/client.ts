import type { IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'
import { OptionError } from './errors.ts'

/** Who is asking, as strategies see it. Nothing of it throws, whatever a client sends; what was not sent is `undefined`. */
export interface Client {
  /**
   * The address: the peer's, or whom trusted proxies name in `X-Forwarded-For`, read from right to left. Trusted is who
   * is by Express's `trust proxy` where a request comes through an app, else by `trustedProxies`. Undefined once the
   * peer is gone.
   */
  readonly ip: string | undefined
  /** Whether it speaks TLS, to this process or to a trusted proxy. */
  readonly isSecure: boolean
  /** The path that workers are asked for, without the query. */
  readonly path: string
  /** A header's value; the name's case does not matter. */
  header(name: string): string | undefined
  /** A cookie's value, the first of that name, as it was sent: nothing in it is decoded. */
  cookie(name: string): string | undefined
  /** The first value of that name in the query, decoded. */
  query(name: string): string | undefined
}

/** Whether an address is that of a trusted proxy, so many hops from here. */
export type Trust = (address: string, hop: number) => boolean

const TRUST = Symbol('rondo.trust')

type Request = IncomingMessage & {
  ip?: string
  secure?: boolean
  app?: { get?(setting: string): unknown }
  [TRUST]?: Trust
}

/**
 * The rule by addresses and networks, such as `10.0.0.0/8` or `loopback`; `undefined` when nobody is trusted.
 * @throws OptionError that names the bad one.
 */
export function toTrust(proxies: readonly string[] = []): Trust | undefined {
  const mend = 'is no list of addresses; write it as ["10.0.0.0/8", "2001:db8::1"]'
  if (!Array.isArray(proxies)) throw new OptionError('trustedProxies', proxies, mend)
  for (const [i, proxy] of proxies.entries()) {
    if (!isNetwork(proxy))
      throw new OptionError(
        `trustedProxies[${i}]`,
        proxy,
        'is no address or network; write it as "10.0.0.0/8"',
      )
  }
  return proxies.length === 0 ? undefined : proxyAddr.compile([...proxies])
}

function isNetwork(proxy: unknown): boolean {
  if (typeof proxy !== 'string' || proxy === '') return false
  try {
    proxyAddr.compile(proxy)
    return true
  } catch {
    return false
  }
}

/** The client of an HTTP request; lazy, since most strategies never ask. `trust` holds where there is no Express app. */
export function httpClient(req: IncomingMessage, trust?: Trust): Client {
  if (trust) (req as Request)[TRUST] = trust
  return new HttpClient(req)
}

/** A class, since an object literal with a getter would cost V8 a hidden class for each request. */
class HttpClient implements Client {
  readonly #req: Request

  constructor(req: Request) {
    this.#req = req
  }

  get ip(): string | undefined {
    const req = this.#req
    if (req.app) return req.ip
    const peer = req.socket?.remoteAddress
    const trust = req[TRUST]
    return trust && peer !== undefined ? proxyAddr(req, trust) : peer
  }

  get isSecure(): boolean {
    const { app, secure, socket, headers } = this.#req
    if (app) return secure === true
    if (socket && 'encrypted' in socket && socket.encrypted) return true
    return peerIsTrusted(this.#req) && /^https\s*(,|$)/i.test(String(headers['x-forwarded-proto'] ?? ''))
  }

  get path(): string {
    const { url = '' } = this.#req
    const end = url.search(/[?#]/)
    const path = (end < 0 ? url : url.slice(0, end)).replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '') // RFC 9112, 3.2.2
    return path || '/'
  }

  header(name: string): string | undefined {
    const { headers } = this.#req
    const key = name.toLowerCase()
    return Object.hasOwn(headers, key) ? headers[key]?.toString() : undefined
  }

  cookie(name: string): string | undefined {
    for (const pair of this.#req.headers.cookie?.split(';') ?? []) {
      const equals = pair.indexOf('=')
      if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
    }
    return undefined
  }

  query(name: string): string | undefined {
    const { url = '' } = this.#req
    const start = url.indexOf('?')
    return start < 0 ? undefined : (new URLSearchParams(url.slice(start)).get(name) ?? undefined)
  }
}

/** Whether the peer's own `X-Forwarded-*` may be believed: by the same rule as a client's address. */
export function peerIsTrusted(req: IncomingMessage): boolean {
  const { app, socket, [TRUST]: own } = req as Request
  const trust = app ? (app.get?.('trust proxy fn') as Trust | undefined) : own
  return trust?.(socket.remoteAddress ?? '', 0) ?? false
}
