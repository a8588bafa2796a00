import { once } from 'node:events'
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { parse } from '../../src/config/load.ts'
import { Gateway } from '../../src/gateway.ts'
import { covers } from './covers.ts'

console.log = () => {} // the gateway's own lines, which say nothing to who runs tests

/** Probes once at the start, and then not while a test runs. */
export const SELDOM = '0 0 0 1 1 *'

/** A gateway in this process, that goes by a file. */
export interface Running {
  readonly gateway: Gateway
  readonly port: number
  readonly url: string
  /** Has it go by another file. */
  readonly reload: (fields: object) => Promise<void>
}

/** Starts a gateway by these fields of a file, on a free port. */
export async function start(t: TestContext, fields: object): Promise<Running> {
  const gateway = new Gateway()
  const reload = (next: object): Promise<void> => gateway.apply(parse('t.yaml', written(next), {}).config)
  t.after(() => gateway.close())
  await reload(fields)
  const [listener] = gateway.listeners
  const port = listener?.port ?? 0
  return { gateway, port, url: `http://127.0.0.1:${port}`, reload }
}

/** JSON, which is YAML. */
function written(fields: object): string {
  return JSON.stringify({ listen: '127.0.0.1:0', log: 'off', shutdown: '200ms', admin: 'off', ...fields })
}

/** A field of a pool, and the file that has it. */
export interface Place {
  readonly pool: string
  /** The file for a pool with these fields. */
  file(fields: object): object
}

const PLACES: readonly (Place & { readonly name: string; readonly prefix: string })[] = [
  { name: 'at the top level', prefix: '', pool: 'default', file: (fields) => fields },
  {
    name: 'in a pool',
    prefix: 'pools.*.',
    pool: 'api',
    file: (fields) => ({ pools: { api: fields }, routes: [{ pool: 'api' }] }),
  },
]

/** A test of keys that a pool has, once by the shorthand at the top level, and once in a pool with a name. */
export function testInPools(
  name: string,
  keys: readonly string[],
  run: (t: TestContext, place: Place) => Promise<void>,
): void {
  for (const place of PLACES)
    test(`${name}, ${place.name}`, async (t) => {
      covers(...keys.map((key) => place.prefix + key))
      await run(t, place)
    })
}

/** A worker that tells what it got: as JSON, or by echoing messages on a WebSocket. */
export interface TestWorker {
  readonly name: string
  readonly url: string
  readonly port: number
  /** What came, but for probes. */
  readonly seen: Seen[]
  /** How many probes came, by path. */
  readonly probes: Map<string, number>
  /** Connections that were made to it, and those that stand. */
  readonly connections: { made: number; readonly open: Set<Socket> }
}

export interface Seen {
  readonly worker: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

/**
 * A worker: `POST /sick` and `POST /well` change what `/health` says; `?status=503` answers with that, `?delay=50` in so
 * many ms, `?cut` by closing the connection, `?half` with a part of an answer. `failing` says that to every request.
 */
export async function startWorker(
  t: TestContext,
  name = 'a',
  { failing = '' }: { failing?: string } = {},
): Promise<TestWorker> {
  let health = 200
  const connections = { made: 0, open: new Set<Socket>() }
  const seen: Seen[] = []
  const probes = new Map<string, number>()
  const server = createServer((req, res) => {
    const { method = '', url = '', headers, rawHeaders } = req
    const { pathname, searchParams: query } = new URL(`http://worker${url}`)
    const is = (key: string): string | null => query.get(key) ?? new URLSearchParams(failing).get(key)
    if (pathname.startsWith('/health')) {
      probes.set(url, (probes.get(url) ?? 0) + 1)
      return after(res, query.get('delay'), () => res.writeHead(health).end())
    }
    if (pathname === '/sick' || pathname === '/well') {
      health = pathname === '/sick' ? 503 : 200
      return void res.end()
    }
    const entry = { worker: name, method, url, headers, rawHeaders }
    seen.push(entry)
    if (is('cut') !== null) return void req.socket.destroy()
    if (is('half') !== null) return void res.writeHead(200, { 'Content-Length': 8 }).write('half')
    const answer = (): void => {
      res.writeHead(Number(is('status') ?? 200), { 'Content-Type': 'application/json' })
      res.end(JSON.stringify(entry))
    }
    req.resume().on('end', () => after(res, is('delay'), answer))
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (req, socket, head) => {
    const { method = '', url = '', headers, rawHeaders } = req
    seen.push({ worker: name, method, url, headers, rawHeaders })
    if (url.includes('silent')) return
    sockets.handleUpgrade(req, socket, head, (client) => {
      client.on('error', () => {}).on('message', (data, isBinary) => client.send(data, { binary: isBinary }))
    })
  })
  server.on('connection', (socket: Socket) => {
    connections.made++
    connections.open.add(socket.on('error', () => {}))
    socket.once('close', () => connections.open.delete(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(async () => {
    for (const socket of connections.open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { name, url: `http://127.0.0.1:${port}`, port, seen, probes, connections }
}

/** Does it so many ms later, or never where the client leaves before. */
function after(res: ServerResponse, delay: string | null, act: () => void): void {
  const timer = setTimeout(act, Number(delay))
  res.once('close', () => clearTimeout(timer))
}

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** What the worker got, where one has answered. */
  readonly got: Seen
}

/** A request on a connection of its own. */
export function ask(
  url: string,
  { body, ...options }: RequestOptions & { body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(url, { agent: false, ...options }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      res.on('error', reject).on('end', () => {
        const { statusCode: status = 0, headers } = res
        const got = headers['content-type'] === 'application/json' ? (JSON.parse(text) as Seen) : undefined
        resolve({ status, headers, body: text, got: got as Seen })
      })
    })
    req.on('error', reject).end(body)
  })
}

/** The names of the workers that answer so many requests, one after the other. */
export async function whoAnswers(count: number, url: string, options?: RequestOptions): Promise<string[]> {
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push((await ask(url, options)).got.worker)
  return names
}

/** Resolves when `condition` holds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within 10 s: ${what}`)
    await pause(5)
  }
}
