import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export const RONDO = fileURLToPath(new URL('../src/rondo.ts', import.meta.url))

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `rondo` in a directory that has `files`, with no environment but `env`; it is killed when the test is over. */
export async function rondo(
  t: TestContext,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const cwd = await mkdtemp(join(tmpdir(), 'rondo-'))
  t.after(() => rm(cwd, { recursive: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(cwd, name), content)
  return new Promise((resolve) => {
    const options = { cwd, env, signal: t.signal, killSignal: 'SIGKILL' } as const
    const child = execFile(process.execPath, [RONDO, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** What a fake admin API was asked. */
export interface Asked {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What it answers: text as it is, all else as JSON. */
export interface Given {
  readonly status?: number
  readonly body: unknown
}

/** What listens like the admin API of a gateway, and answers as a test says; `close` has it gone, connections and all. */
export interface FakeAdmin {
  readonly url: string
  readonly port: number
  readonly asked: readonly Asked[]
  close(): Promise<void>
}

export async function fakeAdmin(
  t: TestContext,
  answer: (asked: Asked) => Given | Promise<Given>,
  port = 0,
): Promise<FakeAdmin> {
  const asked: Asked[] = []
  const server = createServer((req, res) => void serve(req, res))
  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const one: Asked = { method: req.method, url: req.url, headers: req.headers, body: await text(req) }
    asked.push(one)
    const { status = 200, body } = await answer(one)
    res.writeHead(status, { 'Content-Type': 'application/json' })
    res.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  async function close(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  t.after(close)
  const { port: bound } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${bound}`, port: bound, asked, close }
}
