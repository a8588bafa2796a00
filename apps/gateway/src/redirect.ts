import type { IncomingMessage } from 'node:http'
import { HttpError } from '@rondo/balancer'
import type { OwnAnswer } from './serve-route.ts'

/** A name, an IPv4 or an IPv6 address, and a port: nothing that could stand for more than a host in a URL. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i

/**
 * Sends a request on to https: to the host that it asks for, at that port, with its path and query.
 * @throws HttpError 400 for a request without one Host that is a host and a port, or that asks for no path or URL.
 */
export function redirectTo(port: number, { url = '', headers, rawHeaders }: IncomingMessage): OwnAnswer {
  const [, authority = headers.host, rest = url] = ABSOLUTE.exec(url) ?? [] // RFC 9112, 3.2.2
  const host = HOST.exec(authority ?? '')?.[1]
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')
  const isHost = headers.host === undefined || HOST.test(headers.host)
  if (host === undefined || !isHost || hosts.length > 1)
    throw refused('a request has one Host, a name or an address')
  const path = /^[?#]|^$/.test(rest) ? `/${rest}` : rest
  if (!path.startsWith('/')) throw refused('a request asks for a path or a URL')
  return {
    status: 308,
    headers: { Location: `https://${host}${port === 443 ? '' : `:${port}`}${path}` },
    body: '',
  }
}

function refused(message: string): HttpError {
  return new HttpError(400, message, { headers: { Connection: 'close' } })
}
