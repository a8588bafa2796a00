import { once } from 'node:events'
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { linkOf, type Link } from './links.ts'

/** What did not end as it should, and on which connection. */
export interface Failure {
  readonly what: string
  readonly why: string
  readonly link: Link | undefined
  /** In ms since 1970. */
  readonly at: number
}

/** Where a load goes. */
export interface Goal {
  readonly port: number
  /** Of https: the name that is asked for, and who signs its certificate. */
  readonly tls?: { readonly servername: string; readonly ca: string }
}

const PART = 'x'.repeat(65_536)
const PARTS = 16

/** Clients of a gateway whose paths begin with the names of its pools. Each counts what it sends and is answered. */
export class Load {
  readonly failures: Failure[] = []
  /** By pool. */
  readonly sent = new Map<string, number>()
  /** By pool and worker: `pool name`. */
  readonly answered = new Map<string, number>()
  /** Who may answer for a pool. Default anybody. */
  allowed: (pool: string) => ReadonlySet<string> | undefined = () => undefined
  readonly #t: TestContext
  readonly #stop = new AbortController()
  readonly #clients: Promise<void>[] = []
  #lastId = 0

  constructor(t: TestContext) {
    this.#t = t
    t.after(() => this.#stop.abort())
  }

  /** How many answers came. */
  get count(): number {
    return Array.from(this.answered.values()).reduce((sum, count) => sum + count, 0)
  }

  get isOver(): boolean {
    return this.#stop.signal.aborted
  }

  /** So many clients that ask again and again until the end; each with a connection that it keeps, or new ones. */
  ask(clients: number, goal: Goal, path: string, { isKept = true, think = 15 } = {}): void {
    this.run(clients, async () => {
      const agent = isKept ? this.#agent(goal) : false
      while (!this.isOver) {
        await this.exchange(goal, path, agent)
        await pause(Math.random() * 2 * think)
      }
      if (agent) agent.destroy()
    })
  }

  /** Clients that send a MiB each time, in parts with pauses between them. */
  upload(clients: number, goal: Goal, path: string): void {
    this.run(clients, async () => {
      const agent = this.#agent(goal)
      while (!this.isOver)
        await this.exchange(goal, path, agent, async (req) => {
          for (let i = 0; i < PARTS; i++) {
            req.write(PART)
            await pause(50)
          }
          req.end()
        })
      agent.destroy()
    })
  }

  /** Clients with WebSockets of so many messages, each of which is waited for; then the next. */
  talk(clients: number, goal: Goal, path: string, messages: number): void {
    this.run(clients, async () => {
      while (!this.isOver) await this.#conversation(goal, path, messages)
    })
  }

  run(clients: number, client: (i: number) => Promise<void>): void {
    for (let i = 0; i < clients; i++) this.#clients.push(client(i))
  }

  /** No more requests; resolves when all are over. */
  async end(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#clients)
  }

  fail(what: string, error: unknown, link: Link | undefined): void {
    this.failures.push({ what, why: String(error), link, at: Date.now() })
  }

  note(map: Map<string, number>, key: string): void {
    map.set(key, (map.get(key) ?? 0) + 1)
  }

  /** One request, and the name of who answered it; undefined where it failed. */
  async exchange(...asked: Parameters<Load['askOnce']>): Promise<string | undefined> {
    return (await this.askOnce(...asked)).name
  }

  /** The same, and the connection that it took. */
  async askOnce(
    goal: Goal,
    path: string,
    agent: Agent | false = false,
    send: (req: ClientRequest) => unknown = (req) => req.end(),
  ): Promise<{ name?: string; link: Link | undefined }> {
    const [, pool = ''] = path.split('/')
    const id = String(++this.#lastId)
    const mayBefore = this.allowed(pool)
    const what = `${path} ${id}${agent ? ' (kept)' : ''}`
    let link: Link | undefined
    try {
      const req = open(goal, path, agent, { 'x-id': id }, path.endsWith('/upload'))
      this.note(this.sent, pool)
      req.once('socket', (socket: Socket) => void (link = linkOf(socket)))
      const response = once(req, 'response') as Promise<[IncomingMessage]>
      const [[res]] = await Promise.all([response, send(req)])
      let text = ''
      for await (const part of res.setEncoding('utf8')) text += part as string
      const [name = '', of] = text.slice(text.lastIndexOf('\n') + 1).split(' ')
      const may = this.allowed(pool)
      if (res.statusCode !== 200) throw new Error(`${res.statusCode} ${text.slice(0, 100)}`)
      if (of !== id) throw new Error(`the answer to another: ${text.slice(-100)}`)
      if (path.endsWith('/upload') && !text.endsWith(` ${PART.length * PARTS}`)) throw new Error(text)
      this.note(this.answered, `${pool} ${name}`)
      if (may && !may.has(name) && !mayBefore?.has(name)) throw new Error(`answered by ${name}`)
      return { name, link }
    } catch (error) {
      this.fail(what, error, link)
      return { link }
    }
  }

  #agent({ tls }: Goal): Agent {
    const agent = tls
      ? new SecureAgent({ keepAlive: true, maxSockets: 1 })
      : new Agent({ keepAlive: true, maxSockets: 1 })
    this.#t.after(() => agent.destroy())
    return agent
  }

  async #conversation(goal: Goal, path: string, messages: number): Promise<void> {
    const [, pool = ''] = path.split('/')
    const { socket, link, ended } = openWebSocket(this.#t, goal, path)
    this.note(this.sent, pool)
    let said = 0
    try {
      await Promise.race([once(socket, 'open'), ended])
      for (; said < messages; said++) {
        const message = `${path} ${said}`
        const answer = once(socket, 'message') as Promise<[Buffer]>
        socket.send(message)
        const [data] = await Promise.race([answer, ended])
        if (String(data) !== message) throw new Error(`${String(data)} came`)
        await pause(30)
      }
      socket.close(1000)
      const [code] = await ended
      if (code !== 1000) throw new Error(`it was closed with ${code}`)
    } catch (error) {
      this.fail(`WebSocket ${path} after ${said} echoes`, error, link())
      socket.terminate()
    }
  }
}

/** A WebSocket, its connection, and how it ends: the code. */
export function openWebSocket(
  t: TestContext,
  { port }: Goal,
  path: string,
): { socket: WebSocket; link: () => Link | undefined; ended: Promise<[number]> } {
  let link: Link | undefined
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    perMessageDeflate: false,
    finishRequest: (req) => {
      req.once('socket', (raw: Socket) => void (link = linkOf(raw)))
      req.end()
    },
  })
  t.after(() => socket.terminate())
  const ended = new Promise<[number]>((resolve) => socket.once('close', (code) => resolve([code])))
  socket.on('error', () => {}) // `close` comes behind it
  return { socket, link: () => link, ended }
}

function open(
  { port, tls }: Goal,
  path: string,
  agent: Agent | false,
  headers: Record<string, string>,
  isUpload: boolean,
): ClientRequest {
  const to = { host: '127.0.0.1', port, path, agent, method: isUpload ? 'POST' : 'GET' }
  return tls
    ? requestSecurely({ ...to, ...tls, headers: { ...headers, host: tls.servername } })
    : request({ ...to, headers })
}
