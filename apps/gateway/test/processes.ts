import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const GATEWAY = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const WORKER = fileURLToPath(new URL('../../worker/src/main.ts', import.meta.url))

/** A process that was started by a test, and ends with it. */
export interface Running {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly port: number
  readonly url: string
  /** Waits for a line, past ones included, from the index `since` on. */
  line(pattern: RegExp, since?: number): Promise<string>
  /** Sends a signal and resolves with the exit code, or null if the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

export function startGateway(
  t: TestContext,
  workers: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Running> {
  return start(t, GATEWAY, { PORT: '0', WORKERS: workers.join(','), ...env })
}

/** The gateway by a config file; it listens on any port if the file says so. */
export function startGatewayBy(t: TestContext, file: string, env: NodeJS.ProcessEnv = {}): Promise<Running> {
  return start(t, GATEWAY, env, [file])
}

export function startWorker(t: TestContext, name: string, port = 0): Promise<Running> {
  return start(t, WORKER, { PORT: String(port), NAME: name })
}

/** A port for a worker that comes back: below those that the system gives to connections, so that nobody takes it. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const server = createServer().listen(port)
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/** Runs the gateway to its end, for starts that fail. */
export async function failToStart(
  t: TestContext,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; stderr: string }> {
  const { child, lines } = launch(t, GATEWAY, env)
  await once(child, 'close')
  return { code: child.exitCode ?? -1, stderr: lines.join('\n') }
}

/** GET on a connection of its own, so that no test depends on another's. */
export function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request(url, { agent: false, headers }, (res) => {
      let body = ''
      res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body })).on('error', reject)
    })
    req.on('error', reject).end()
  })
}

async function start(
  t: TestContext,
  main: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[] = [],
): Promise<Running> {
  const { child, lines } = launch(t, main, env, args)
  const line: Running['line'] = (pattern, since = 0) => lineOf(child, lines, pattern, since)
  const url = /(?:https?|tcp):\/\/[\w.]+:(\d+)/.exec(await line(/ listens on /)) ?? []
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const closed = once(child, 'close')
    child.kill(signal)
    await closed
    return child.exitCode
  }
  return { child, lines, line, end, port: Number(url[1]), url: `http://127.0.0.1:${url[1]}` }
}

function launch(
  t: TestContext,
  main: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[] = [],
): { child: ChildProcess; lines: string[] } {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ADMIN: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on('line', (line) => {
      lines.push(line)
      child.emit('line', line)
    })
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return { child, lines }
}

function lineOf(
  child: ChildProcess,
  lines: readonly string[],
  pattern: RegExp,
  since: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (line: string): void => {
      if (pattern.test(line)) end(() => resolve(line))
    }
    const fail = (): void => end(() => reject(new Error(`no line ${pattern} in:\n${lines.join('\n')}`)))
    const timer = setTimeout(fail, 30_000)
    function end(settle: () => void): void {
      clearTimeout(timer)
      child.off('line', look).off('close', fail)
      settle()
    }
    child.on('line', look).on('close', fail)
    for (const line of lines.slice(since)) look(line)
  })
}
