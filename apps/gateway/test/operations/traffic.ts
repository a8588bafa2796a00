import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { TICKS } from './workers.ts'

/** Where the gateway is, and how it is known. */
export interface Front {
  /** On 127.0.0.2 and 127.0.0.1. */
  readonly plain: number
  readonly secure: number
  readonly ca: string
  /** The serial number that a new handshake for a name must show; undefined while that is about to change. */
  readonly serial: (name: string) => string | undefined
}

/** How a client comes. */
interface Way {
  readonly isSecure: boolean
  readonly isKept: boolean
  readonly path: string
}

const BODY = 'rondo '.repeat(4000)
const MESSAGES = 12
const NAMES = ['a.test', 'b.test']
/** Between two exchanges of a client, and between two messages, in ms. */
const THINK = 120

/** 60 connections of traffic until the signal; `failures` tells of all that does not end as it should. */
export function traffic(
  t: TestContext,
  front: Front,
  signal: AbortSignal,
): {
  readonly failures: string[]
  readonly count: () => number
  readonly over: Promise<void>
} {
  const failures: string[] = []
  let count = 0
  const plainAgent = new Agent({ keepAlive: true })
  const agents = new Map(NAMES.map((name) => [name, new SecureAgent({ keepAlive: true })]))
  const close = (): void => [plainAgent, ...agents.values()].forEach((agent) => agent.destroy())
  t.after(close)

  async function ask(way: Way, name: string, body?: string): Promise<void> {
    const method = body === undefined ? 'GET' : 'POST'
    const what = `${method} ${way.isSecure ? `https ${name} ` : ''}${way.path}${way.isKept ? ' (kept)' : ''}`
    const wanted = front.serial(name)
    try {
      const { res, text } = await exchange(front, way, name, method, body, plainAgent, agents.get(name))
      count++
      if (res.statusCode !== 200) failures.push(`${what}: ${res.statusCode}, ${text.slice(0, 120)}`)
      else if (!isWhole(way.path, text, body)) failures.push(`${what}: not whole, ${text.slice(0, 80)}`)
      if (!way.isSecure || way.isKept || wanted === undefined || wanted !== front.serial(name)) return
      const shown = serials.get(res.socket as TLSSocket)
      if (shown !== wanted) failures.push(`${what}: shows ${shown}, not ${wanted}`)
    } catch (error) {
      failures.push(`${what}: ${String(error)}`)
    }
  }
  async function loop(way: Way, i: number, body?: string): Promise<void> {
    while (!signal.aborted) {
      await ask(way, NAMES[i % 2] as string, body)
      await pause(THINK)
    }
  }
  async function talk(way: Way, i: number): Promise<void> {
    while (!signal.aborted) {
      await conversation(front, way, NAMES[i % 2] as string).catch((error: unknown) =>
        failures.push(`WebSocket ${way.path}: ${String(error)}`),
      )
      count++
      await pause(THINK)
    }
  }
  /** So many clients that come in all ways: over TLS or not, to stay or not, to both pools. */
  const each = <T>(clients: number, run: (way: Way, i: number) => T, end = ''): T[] =>
    Array.from({ length: clients }, (_, i) => {
      const path = (i % 8 < 4 ? '/plain' : '/secure') + end
      return run({ isSecure: i % 2 === 0, isKept: i % 4 < 2, path }, i)
    })
  const clients = [
    ...each(30, loop),
    ...each(14, (way, i) => loop(way, i, BODY)),
    ...each(8, talk),
    ...each(8, loop, '/events'),
  ]
  return { failures, count: () => count, over: Promise.all(clients).then(close) }
}

/** By connection: Node's clients give a certificate out once only. */
const serials = new WeakMap<TLSSocket, string>()

async function exchange(
  { plain, secure, ca }: Front,
  { isSecure, isKept, path }: Way,
  name: string,
  method: string,
  body: string | undefined,
  plainAgent: Agent,
  secureAgent: SecureAgent | undefined,
): Promise<{ res: IncomingMessage; text: string }> {
  const req = isSecure
    ? requestSecurely({
        host: '127.0.0.1',
        port: secure,
        path,
        method,
        ca,
        servername: name,
        agent: isKept && secureAgent ? secureAgent : false,
        headers: { host: name },
      })
    : request({ host: '127.0.0.2', port: plain, path, method, agent: isKept ? plainAgent : false })
  req.end(body)
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  const socket = res.socket as TLSSocket
  if (isSecure && !serials.has(socket))
    serials.set(socket, socket.getPeerX509Certificate()?.serialNumber ?? 'no certificate')
  let text = ''
  for await (const part of res.setEncoding('utf8')) text += part as string
  return { res, text }
}

/** Those of a pool have names that begin as it does. */
function isWhole(path: string, text: string, body: string | undefined): boolean {
  if (body !== undefined) return text === body
  if (path.endsWith('/events')) return text.endsWith(`data: ${TICKS}\n\n`)
  return text.startsWith(path.slice(1))
}

/** Messages that are echoed one by one, to a clean end. */
async function conversation({ plain, secure, ca }: Front, way: Way, name: string): Promise<void> {
  const url = way.isSecure ? `wss://127.0.0.1:${secure}` : `ws://127.0.0.2:${plain}`
  const options = { ca, servername: name, headers: { host: name }, perMessageDeflate: false }
  const socket = new WebSocket(url + way.path, options)
  const ended = once(socket, 'close')
  ended.catch(() => {})
  await once(socket, 'open')
  for (let sent = 0; sent < MESSAGES; sent++) {
    socket.send(String(sent))
    const [data] = (await Promise.race([once(socket, 'message'), ended])) as [unknown]
    if (String(data) !== String(sent)) throw new Error(`after ${sent} echoes: ${String(data)}`)
    await pause(THINK)
  }
  socket.close(1000)
  const [code] = (await ended) as [number]
  if (code !== 1000) throw new Error(`closed with ${code}`)
}
