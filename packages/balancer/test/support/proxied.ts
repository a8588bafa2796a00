import { once } from 'node:events'
import { connect, type Server, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import {
  acceptProxyProtocol,
  toTrust,
  type AcceptProxyOptions,
  type ProxyRefusal,
  type Trust,
} from '../../src/index.ts'
import { encodeProxy } from '../../src/tcp/proxy-protocol.ts'
import { listen } from './listen.ts'

/** Who is trusted here: the tests themselves. */
export const LOOPBACK = toTrust(['loopback']) as Trust

/** Whom the headers tell of, and how `endsOf` shows it. */
export const ENDS = {
  source: { address: '203.0.113.7', port: 56_324 },
  destination: { address: '198.51.100.9', port: 443 },
}
export const SHOWN = '203.0.113.7:56324 IPv4 > 198.51.100.9:443'

export const HEADERS = { v1: encodeProxy('v1', ENDS), v2: encodeProxy('v2', ENDS) } as const

/** The ends of a connection, as its socket tells them. */
export function endsOf(socket: Socket): string {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort } = socket
  return `${remoteAddress}:${remotePort} ${remoteFamily} > ${localAddress}:${localPort}`
}

export interface Accepting {
  readonly port: number
  /** Why connections were refused, so far. */
  readonly refused: ProxyRefusal[]
}

/** Starts a server whose connections begin with a header. */
export async function accepting(
  t: TestContext,
  server: Server,
  { host = '127.0.0.1', ...options }: Partial<AcceptProxyOptions> & { host?: string } = {},
): Promise<Accepting> {
  const refused: ProxyRefusal[] = []
  const onRefused = (kind: ProxyRefusal): void => void refused.push(kind)
  acceptProxyProtocol(server, { trustedProxies: LOOPBACK, onRefused, ...options })
  return { refused, port: await listen(t, server, host) }
}

export type Arrival = 'in one segment' | 'byte by byte'
export const ARRIVALS: readonly Arrival[] = ['in one segment', 'byte by byte']

/** Sends `bytes` so that they arrive like that. */
export async function send(socket: Socket, bytes: Buffer, arrival: Arrival): Promise<void> {
  if (arrival === 'in one segment') return void socket.write(bytes)
  socket.setNoDelay()
  for (const byte of bytes) {
    socket.write(Buffer.of(byte))
    await turn()
  }
}

/** A connection that lets the other side end first. */
export async function dialed(t: TestContext, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true }).on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** What comes until the other side ends. */
export async function all(socket: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** Sends `header` and `payload` and waits for the whole answer. */
export async function ask(
  t: TestContext,
  port: number,
  header: Buffer,
  payload: string,
  arrival: Arrival = 'in one segment',
): Promise<string> {
  const socket = await dialed(t, port)
  const answer = all(socket)
  await send(socket, Buffer.concat([header, Buffer.from(payload, 'latin1')]), arrival)
  return answer
}

/** The same over TLS: the ClientHello comes with the header. */
export async function askTls(
  t: TestContext,
  port: number,
  header: Buffer,
  payload: string,
  arrival: Arrival,
): Promise<string> {
  const socket = await dialed(t, port)
  const [near, far] = duplexPair()
  const secure = connectTls({ socket: near, rejectUnauthorized: false, ALPNProtocols: [] })
  secure.on('error', () => {})
  t.after(() => secure.destroy())
  secure.write(payload)
  const [hello] = (await once(far, 'data')) as [Buffer]
  far.pause()
  await send(socket, Buffer.concat([header, hello]), arrival)
  far.pipe(socket).pipe(far)
  return all(secure)
}
