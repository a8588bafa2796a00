import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { searchPath } from './installed.ts'
import { type Core, prefix } from './pin.ts'

/** A process of the bench. */
export interface Launched {
  readonly name: string
  readonly pid: number
  /** Why it has ended; `undefined` while it runs. */
  readonly over: string | undefined
  /** What it printed to stdout so far, at most the last 64 KB. */
  readonly output: string
  /** Resolves when it has ended by itself or otherwise, with everything that it printed; rejects for a bad exit code. */
  readonly result: Promise<string>
  /** Writes a line to its stdin. */
  tell(line: string): void
  /** SIGTERM, and SIGKILL after a second; resolves when it is gone. */
  stop(): Promise<void>
}

export interface LaunchOptions {
  readonly core: Core
  readonly env?: Readonly<Record<string, string>>
  /** Send stdout to /dev/null. */
  readonly silent?: boolean
}

const TETHER = import.meta.resolve('../../dev/tether.ts')
const KEPT = 65_536
const running = new Set<ChildProcess>()

/** Kills whatever was launched and still runs; for when there is no time left. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** How many launched processes still run. */
export function countRunning(): number {
  return running.size
}

/** Starts a TypeScript file in Node; it ends when the bench does, however sudden. */
export function script(
  name: string,
  file: string,
  args: readonly string[],
  options: LaunchOptions,
): Launched {
  return launch(name, process.execPath, ['--expose-gc', '--import', TETHER, file, ...args], options)
}

/** Starts a program, pinned to its core where that can be done. */
export function launch(
  name: string,
  program: string,
  args: readonly string[],
  { core, env = {}, silent = false }: LaunchOptions,
): Launched {
  const [command = program, ...rest] = [...prefix(core), program, ...args]
  const child = spawn(command, rest, {
    stdio: ['pipe', silent ? 'ignore' : 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NODE_NO_WARNINGS: '1',
      PATH: searchPath().join(':'),
      ...env,
    },
  })
  running.add(child)
  let output = ''
  let complaints = ''
  let over: string | undefined
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-KEPT)))
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (text: string) => (complaints = (complaints + text).slice(-KEPT)))
  child.stdin?.on('error', () => {}) // it has ended: `result` says so
  const result = new Promise<string>((resolve, reject) => {
    const end = (why: string, good: boolean): void => {
      running.delete(child)
      over = `${why}${complaints ? `: ${lastLine(complaints)}` : ''}`
      if (good) resolve(output)
      else reject(new Error(`${name} ended with ${over}`))
    }
    child.once('error', (error) => end(error.message, false))
    child.once('close', (code, signal) => end(signal ?? `exit code ${code}`, code === 0))
  })
  result.catch(() => {}) // who needs it looks at it

  return {
    name,
    pid: child.pid ?? 0,
    get over() {
      return over
    },
    get output() {
      return output
    },
    result,
    tell: (line) => void child.stdin?.write(`${line}\n`),
    stop: async () => {
      if (over !== undefined) return
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 1000)
      await closed
      clearTimeout(timer)
    },
  }
}

/** The line that says most: a message of Node's, else the last one. */
function lastLine(text: string): string {
  const lines = text.trim().split('\n')
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '').trim().slice(0, 300)
}
