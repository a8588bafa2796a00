import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { isLoopback } from '../config/address.ts'
import type { AdminConfig } from '../config/config.ts'
import { plain } from '../access-log.ts'
import { Problem } from './problem.ts'

/** What needs no token: probes have none. */
const OPEN = new Set(['/healthz', '/readyz'])

/** The Hosts by which this machine is asked for, in a browser or by hand. */
const THIS_MACHINE = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * Lets a request pass that comes from whom the API is for: no page of another origin, by its own name (CSRF) or by one
 * that it made point here (DNS rebinding), and nobody without a token where there are some.
 * @throws Problem 400, 401 or 403.
 */
export function checkAccess(req: IncomingMessage, admin: AdminConfig): void {
  checkTarget(req)
  if (isLoopback(admin.listen.host)) checkHost(req)
  checkOrigin(req)
  checkToken(req, admin.tokens)
}

/** Refuses two Hosts, and a target that names one: the one that is checked here may not be the one that others went by. */
function checkTarget({ url = '', headersDistinct: { host = [] } }: IncomingMessage): void {
  if (!url.startsWith('/')) throw new Problem(400, 'the target is no path; ask for one such as /stats')
  if (host.length > 1) throw new Problem(400, 'there are two Host headers; send one')
}

function checkHost({ headers: { host = '' } }: IncomingMessage): void {
  if (!THIS_MACHINE.test(host))
    throw new Problem(
      403,
      `the Host ${JSON.stringify(host)} is not this machine; ask for 127.0.0.1 or localhost`,
    )
}

/** Scripts and programs send neither header. */
function checkOrigin({ socket, headers: { host }, headersDistinct: all }: IncomingMessage): void {
  const own = `${(socket as TLSSocket).encrypted ? 'https' : 'http'}://${host}`.toLowerCase()
  if (all['origin']?.some((origin) => origin.toLowerCase() !== own))
    throw new Problem(403, 'the request comes from a page of another origin')
  if (all['sec-fetch-site']?.some((site) => site !== 'same-origin' && site !== 'none'))
    throw new Problem(403, 'the request comes from a page of another site')
}

function checkToken({ url = '', socket, headersDistinct }: IncomingMessage, tokens: readonly string[]): void {
  if (tokens.length === 0) {
    // A listener that a reload has closed serves its connections to the end, by the new config: it may have been reached from elsewhere.
    if (!isLoopback(plain(socket.localAddress)))
      throw new Problem(403, 'the request comes from another machine')
    return
  }
  if (OPEN.has(url.replace(/\?.*$/s, ''))) return
  const [given = '', ...others] = headersDistinct['authorization'] ?? []
  const [, token] = /^Bearer +([!-~]+) *$/i.exec(given) ?? []
  if (token === undefined || others.length > 0)
    throw unauthorized('a token is needed; send it as "Authorization: Bearer TOKEN"', '')
  if (!isOneOf(token, tokens)) throw unauthorized('the token is wrong', ', error="invalid_token"')
}

/** As RFC 6750, section 3, has it. */
function unauthorized(detail: string, why: string): Problem {
  return new Problem(401, detail, { headers: { 'WWW-Authenticate': `Bearer realm="rondo"${why}` } })
}

/** Takes the same time whichever of them it is, and however much of one it is. */
function isOneOf(token: string, tokens: readonly string[]): boolean {
  const given = digest(token)
  return tokens.map((known) => timingSafeEqual(given, digest(known))).includes(true)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
