import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { eachLine, type Print } from './print.ts'

export interface ProgramOptions {
  readonly name: string
  /** The TypeScript file to run. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  readonly print: Print
  /** Called when the program ends without having been stopped; it is not started again. */
  readonly onDown: (why: string) => void
}

/** One process of the cluster, which can be started again after it ended. */
export interface Program {
  readonly name: string
  /** `undefined` while it does not run. */
  readonly pid: number | undefined
  start(): void
  /** SIGTERM, and SIGKILL after 2 s; resolves when the process is gone. */
  stop(): Promise<void>
  /** SIGKILL, and no waiting: for when there is no time left. */
  kill(): void
}

const PATIENCE = 2000
const TETHER = import.meta.resolve('./tether.ts')

export function createProgram({ name, file, env, print, onDown }: ProgramOptions): Program {
  let child: ChildProcess | undefined
  let stopping: Promise<void> | undefined

  function start(): void {
    if (child) return
    const started = spawn(process.execPath, ['--import', TETHER, file], { env, stdio: 'pipe' })
    child = started
    print(name, `starts (pid ${started.pid})`)
    eachLine(started.stdout, (line) => print(name, line))
    eachLine(started.stderr, (line) => print(name, line, 'stderr'))
    started.once('error', (error) => print(name, error.message, 'stderr')) // `close` follows
    started.once('close', (code, signal) => {
      child = undefined
      if (!stopping) onDown(signal ?? `exit code ${code}`)
    })
  }

  async function end(running: ChildProcess): Promise<void> {
    const closed = once(running, 'close')
    running.kill('SIGTERM')
    const timer = setTimeout(() => {
      print(name, `still there after ${PATIENCE / 1000} s: killed`)
      running.kill('SIGKILL')
    }, PATIENCE)
    await closed
    clearTimeout(timer)
    stopping = undefined
  }

  return {
    name,
    get pid() {
      return child?.pid
    },
    start,
    stop: async () => {
      if (child) await (stopping ??= end(child))
    },
    kill: () => void child?.kill('SIGKILL'),
  }
}
