import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { startGatewayBy, type Running } from './processes.ts'

/** A folder of a test's own, gone with it. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'rondo-reload-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** JSON, with a line for each value, which is YAML too. */
export function textOf(config: object): string {
  return `${JSON.stringify(config, null, 2)}\n`
}

/** Puts a new file in the place of another, as editors do. */
export function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}~`, text)
  renameSync(`${file}~`, file)
}

/** A gateway and its config file. */
export interface Site {
  readonly gateway: Running
  readonly file: string
  readonly folder: string
  /** Puts a config, or a text, in the file's place; resolves with the line that says what came of it. */
  readonly change: (config: object | string) => Promise<string>
  /** Does what has the file read again; resolves with the line that says what came of it. */
  readonly after: (deed: () => void) => Promise<string>
}

export async function startSite(t: TestContext, config: object, env: NodeJS.ProcessEnv = {}): Promise<Site> {
  const path = folder(t)
  const file = join(path, 'rondo.yaml')
  writeFileSync(file, textOf(config))
  const gateway = await startGatewayBy(t, file, env)
  const after: Site['after'] = (deed) => {
    const since = gateway.lines.length
    deed()
    return gateway.line(/ is in force: |not reloaded: /, since)
  }
  return {
    gateway,
    file,
    folder: path,
    after,
    change: (next) => after(() => replaceFile(file, typeof next === 'string' ? next : textOf(next))),
  }
}

/** What a backend does with what is not a probe. */
export type Answer = (req: IncomingMessage, res: ServerResponse) => void

export interface Backend {
  readonly url: string
  readonly id: string
  readonly port: number
}

/**
 * A worker in this process. It gives its name; `/events` is a stream of ticks without an end; WebSockets are echoed;
 * `/headers` shows what it got; a POST gets its body back.
 */
export async function startBackend(t: TestContext, name: string, answer?: Answer): Promise<Backend> {
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0 }, (req, res) => {
    if (req.url === '/health') res.end()
    else if (answer) answer(req, res)
    else if (req.url?.endsWith('/events')) ticks(res)
    else if (req.url === '/headers') res.end(JSON.stringify(req.headers))
    else if (req.method === 'POST') req.pipe(res)
    else res.end(name)
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, id: `127.0.0.1:${port}`, port }
}

function ticks(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: tick\n\n')
  const timer = setInterval(() => res.write('data: tick\n\n'), 20)
  res.on('close', () => clearInterval(timer))
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  bound = 20_000,
): Promise<void> {
  const end = performance.now() + bound
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${bound} ms: ${what}`)
    await pause(5)
  }
}
