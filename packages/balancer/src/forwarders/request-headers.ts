import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { peerIsTrusted } from '../client.ts'
import { OptionError } from '../errors.ts'
import { hopsLeft } from '../max-forwards.ts'
import { authorityOf } from '../request-target.ts'
import type { Worker } from '../worker.ts'
import { connectionTokens, HOP_BY_HOP } from './hop-by-hop.ts'

/** What workers are told of the balancer, and of where a request comes from. */
export interface HeaderOptions {
  /** What the balancer calls itself in `Via` (RFC 9110, 7.6.3). Default `rondo`. */
  readonly via: string
  /** Whether workers get `Forwarded` (RFC 7239) beside `X-Forwarded-*`. Default false. */
  readonly forwarded: boolean
  /** Whose `Host` workers get: the client's (`keep`, the default), or that of their own URL (`worker`). */
  readonly host: 'keep' | 'worker'
}

/** @throws OptionError for the first that is bad. */
export function toHeaderOptions(options: Partial<HeaderOptions>): HeaderOptions {
  const { via = 'rondo', forwarded = false, host = 'keep' } = options
  if (typeof via !== 'string' || !/^[\w!#$%&'*+.^`|~-]+(:\d+)?$/.test(via))
    throw new OptionError('via', via, 'is no pseudonym; give a word, or host:port, as "rondo"')
  if (typeof forwarded !== 'boolean')
    throw new OptionError('forwarded', forwarded, 'is neither true nor false')
  if (host !== 'keep' && host !== 'worker')
    throw new OptionError('host', host, 'is neither "keep" nor "worker"')
  return { via, forwarded, host }
}

/** Said anew by the balancer, or answered by it, as `Expect` is. */
const REPLACED = [
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id',
]
const FRAMING = ['content-length', 'transfer-encoding']
const DROPPED = new Set([...HOP_BY_HOP, ...REPLACED, ...FRAMING])

/** CGI and its like read `X_Forwarded_For` as `X-Forwarded-For`: nobody speaks in the balancer's name that way. */
function isTwin(name: string): boolean {
  return name.includes('_') && DROPPED.has(name.replaceAll('_', '-'))
}

/**
 * The headers that a worker gets, as an object: the client's end-to-end headers, the balancer's own, and the framing,
 * made anew.
 */
export function requestHeaders(
  req: IncomingMessage,
  worker: Worker,
  id: string,
  options: HeaderOptions,
): IncomingHttpHeaders {
  const named = connectionTokens(req.headers.connection)
  const headers: IncomingHttpHeaders = {}
  for (const name in req.headers)
    if (!DROPPED.has(name) && !named?.has(name) && !isTwin(name)) headers[name] = req.headers[name]
  const own = ownHeaders(req, worker, id, options)
  for (let i = 0; i < own.length; i += 2) headers[own[i] as string] = own[i + 1]
  const length = req.headers['content-length']
  if (req.headers['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked'
  else if (length !== undefined) headers['content-length'] = String(Number(length))
  if (headers['te'] !== undefined) headers.connection = 'te' // which is for the next hop alone (RFC 9110, 10.1.4)
  return headers
}

/** The same as names and values in turn, repeated headers apart and in the client's case, without framing. */
export function rawRequestHeaders(
  req: IncomingMessage,
  worker: Worker,
  id: string,
  options: HeaderOptions,
): string[] {
  const { rawHeaders } = req
  const named = connectionTokens(req.headers.connection)
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const lower = name.toLowerCase()
    if (DROPPED.has(lower) || named?.has(lower) || isTwin(lower)) continue
    headers.push(name, rawHeaders[i + 1] as string)
  }
  headers.push(...ownHeaders(req, worker, id, options))
  return headers
}

/**
 * What the balancer says itself, names and values in turn. What the client says of where it comes from is believed and
 * appended to if the peer is a trusted proxy, and replaced if not.
 */
function ownHeaders(
  req: IncomingMessage,
  worker: Worker,
  id: string,
  { via, forwarded, host: whose }: HeaderOptions,
): string[] {
  const { headers, socket } = req
  const trusted = peerIsTrusted(req)
  const theirs = (name: string): string | undefined => (trusted ? headers[name]?.toString() : undefined)
  const host = authorityOf(req.url) || headers.host // RFC 9112, 3.2.2
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'unknown'
  const proto = 'encrypted' in socket && socket.encrypted ? 'https' : 'http'
  const chain = theirs('x-forwarded-for')
  const own = [
    'via',
    `${headers.via ? `${headers.via}, ` : ''}${req.httpVersion} ${via}`,
    'x-forwarded-for',
    chain ? `${chain}, ${address}` : address,
    'x-forwarded-proto',
    theirs('x-forwarded-proto') ?? proto,
    'x-forwarded-port',
    theirs('x-forwarded-port') ?? String(socket.localPort ?? ''),
    'x-request-id',
    id,
  ]
  const forwardedHost = theirs('x-forwarded-host') ?? host
  const toldHost = whose === 'worker' ? worker.url.host : host
  if (toldHost !== undefined) own.push('host', toldHost)
  if (forwardedHost !== undefined) own.push('x-forwarded-host', forwardedHost)
  const before = theirs('forwarded')
  if (forwarded) own.push('forwarded', (before ? `${before}, ` : '') + element(address, host, proto))
  else if (before !== undefined) own.push('forwarded', before)
  const realIp = theirs('x-real-ip')
  if (realIp !== undefined) own.push('x-real-ip', realIp)
  const hops = headers['max-forwards']
  if (hops !== undefined) own.push('max-forwards', hopsLeft(req)?.toString() ?? hops.toString())
  const te = headers['te']
  if (te !== undefined && headers.upgrade === undefined && /(^|,)\s*trailers\s*(,|$)/i.test(String(te)))
    own.push('te', 'trailers')
  return own
}

/** One element of `Forwarded`; what is no token is quoted (RFC 7239, 4 and 6). */
function element(address: string, host: string | undefined, proto: string): string {
  const node = address.includes(':') ? `"[${address}]"` : address
  return `for=${node};${host ? `host=${quoted(host)};` : ''}proto=${proto}`
}

function quoted(value: string): string {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
