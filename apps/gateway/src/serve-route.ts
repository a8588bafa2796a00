import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Route } from './config/route-schema.ts'
import { rewritten } from './routes.ts'

/** Makes a request what the workers of its route are to get: another path, other headers. */
export function prepare(req: IncomingMessage, route: Route): void {
  req.url = rewritten(route, req.url ?? '/')
  const { set = {}, remove = [] } = route.headers ?? {}
  replaceHeaders(req, [...remove, ...Object.keys(set)], set)
}

/** Takes headers off a request, whatever their case, and puts others on. */
export function replaceHeaders(
  req: IncomingMessage,
  names: readonly string[],
  set: Readonly<Record<string, string>>,
): void {
  if (names.length === 0) return
  const changed = names.map((name) => name.toLowerCase())
  // A forwarder reads one or the other.
  for (const name of changed) delete req.headers[name]
  const { rawHeaders } = req
  const { connection } = req.headers
  const kept = rawHeaders.filter(
    (_, i) => !changed.includes((rawHeaders[i - (i % 2)] as string).toLowerCase()),
  )
  rawHeaders.splice(0, rawHeaders.length, ...kept)
  if (connection !== undefined) req.headers.connection = without(connection, changed)
  for (const [name, value] of Object.entries(set)) {
    req.headers[name.toLowerCase()] = value
    rawHeaders.push(name, value)
  }
}

/** A `Connection` header that names none of these headers: no client takes away again what was set. */
function without(connection: string, names: readonly string[]): string {
  const tokens = connection.split(',').map((token) => token.trim())
  return tokens.filter((token) => !names.includes(token.toLowerCase())).join(', ')
}

/** What a route answers itself, as a response of HTTP. */
export interface OwnAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What an upgrade is answered that no route takes. */
export const NOWHERE: OwnAnswer = {
  status: 404,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body: 'no route takes this\n',
}

/** The answer of a route that has no pool; undefined for one that has. */
export function ownAnswer(req: IncomingMessage, { answer, redirect }: Route): OwnAnswer | undefined {
  if (answer) {
    const { status, body = '', type = 'text/plain; charset=utf-8' } = answer
    return { status, headers: body === '' ? {} : { 'Content-Type': type }, body }
  }
  if (!redirect) return undefined
  const { to, status = 302 } = redirect
  const location = to.replaceAll('$path', () => safePath(req.url))
  const isPath = /^\/(?!\/)/.test(to) || to.startsWith('$path')
  return { status, headers: { Location: isPath ? oneSlash(location) : location }, body: '' }
}

export function give({ status, headers, body }: OwnAnswer, req: IncomingMessage, res: ServerResponse): void {
  req.resume()
  const hasBody = status !== 204 && status !== 304
  res.writeHead(status, { ...headers, ...(hasBody && { 'Content-Length': Buffer.byteLength(body) }) })
  res.end(hasBody && req.method !== 'HEAD' ? body : undefined)
}

/** The same for an upgrade, which has a socket and no response: the connection ends. */
export function giveUpgrade(answer: OwnAnswer, req: IncomingMessage, socket: Socket): void {
  socket.on('error', () => {}) // a client that breaks off is no news
  if (!socket.writable || isOwed(socket)) return void socket.destroy()
  const res = new ServerResponse(req)
  res.shouldKeepAlive = false
  res.assignSocket(socket)
  res.once('finish', () => socket.end(() => socket.destroy()))
  give(answer, req, res)
}

/** Whether an answer to an earlier request is still to be given, which would come behind; only Node's own mark tells. */
function isOwed({ _httpMessage: response }: Socket & { _httpMessage?: unknown }): boolean {
  return Boolean(response)
}

/** The path and query asked for. */
function safePath(url = '/'): string {
  return oneSlash(url.replace(/^https?:\/\/[^/?#]*/i, ''))
}

/** A leading `//` would make a Location of another host. */
function oneSlash(path: string): string {
  return path.replace(/^[/\\]*/, '/')
}
