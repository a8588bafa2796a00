import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { lacking, run, start } from './programs.ts'
import { dialTcp, ending } from './tcp.ts'
import { until } from './until.ts'

/** Why there is no Redis to test with; false where there is one. */
export const noRedis = lacking(['redis-server', 'redis-cli', 'redis-benchmark'], 'redis-server')

/** A `redis-server` of the test's own: in memory, on 127.0.0.1, with a folder that goes when the test is over. */
export interface Redis {
  readonly url: string
  readonly port: number
  readonly folder: string
  /** Asks it past the balancer. */
  cli(...args: string[]): Promise<string>
  /** Sends a signal; resolves when it has ended, of those that end it. */
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
}

/** Starts a Redis; resolves when it takes connections, be it that it is still loading. Default on any free port. */
export async function startRedis(
  t: TestContext,
  { port, args = [] }: { readonly port?: number; readonly args?: readonly string[] } = {},
): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-redis-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const own = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...args]
  const { child, bound } = await listening(t, own, port)
  return {
    url: `tcp://127.0.0.1:${bound}`,
    port: bound,
    folder,
    cli: (...args) => redisCli(t, bound, args),
    kill: async (signal) => {
      const exit = signal === 'SIGKILL' && once(child, 'exit')
      child.kill(signal)
      await exit
    },
  }
}

/** What `redis-cli` prints, without the last line break. `input` is commands, or with `-x` the last argument. */
export async function redisCli(
  t: TestContext,
  port: number,
  args: readonly string[],
  input?: string | Buffer,
): Promise<string> {
  return (await run(t, 'redis-cli', ['-p', String(port), ...args], input)).toString().trimEnd()
}

/** A client that says one line after the other, and keeps what comes. */
export interface Line {
  readonly socket: Socket
  /** The port of the instance that it is with. */
  readonly port: number
  readonly closed: Promise<string>
  said: string
  /** Says a command; resolves when `answer` is in what has come since. */
  ask(command: string, answer: string): Promise<void>
}

export async function lineTo({ port }: { readonly port: number }): Promise<Line> {
  const socket = await dialTcp(port)
  const line = { socket, port: 0, closed: ending(socket), said: '', ask }
  socket.setEncoding('utf8').on('data', (text: string) => (line.said += text))
  async function ask(command: string, answer: string): Promise<void> {
    line.said = ''
    socket.write(`${command}\r\n`)
    await until(`${answer} after ${command}`, () => line.said.includes(answer))
  }
  await ask('CONFIG GET port', '\r\nport\r\n$')
  await until('the port', () => /\r\nport\r\n\$\d+\r\n\d+\r\n$/.test(line.said))
  line.port = Number(line.said.trimEnd().split('\r\n').at(-1))
  return line
}

async function listening(t: TestContext, args: readonly string[], port?: number) {
  for (;;) {
    const bound = port ?? (await freePort())
    const child = start(t, 'redis-server', ['--port', String(bound), ...args])
    const last = await lastBefore(child)
    if (last === undefined) return { child, bound }
    const wasTaken = port === undefined && last.includes('Failed listening') // by somebody else, meanwhile
    if (!wasTaken) throw new Error(`redis-server does not start: ${last}`)
  }
}

/** Undefined once it takes connections; its last line where it ended instead. What it prints is read to the end. */
function lastBefore({ stdout }: ReturnType<typeof start>): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (!stdout) return resolve('it has no output')
    let last = ''
    createInterface({ input: stdout })
      .on('line', (line) => {
        last = line
        if (line.includes('Server initialized')) resolve(undefined)
      })
      .on('close', () => resolve(last))
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
