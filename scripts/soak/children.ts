import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { installed } from '../bench/processes/installed.ts'

const TETHER = import.meta.resolve('../dev/tether.ts')
const running = new Set<ChildProcess>()

/** Dies with the soak even when it is stopped, and could not hear of the end by its tether (Linux). */
const MORTAL = process.platform === 'linux' && installed('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []

/** Kills whatever still runs, also what is stopped. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** The same; resolves when they are gone. */
export async function endAll(): Promise<void> {
  await Promise.all(Array.from(running, (child) => end(child, 'SIGKILL')))
}

/** How many processes of the soak still run. */
export function countRunning(): number {
  return running.size
}

/** Starts a TypeScript file in Node, with a channel for messages; it ends when the soak does. */
export function startChild(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const node = [process.execPath, '--expose-gc', '--import', TETHER, file, ...args]
  const [command = '', ...rest] = [...MORTAL, ...node]
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1', ...env },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  child.stdin?.on('error', () => {}) // it has ended
  return child
}

export function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Sends a signal; resolves when the process is gone, killed if it takes longer than `patience` ms. */
export async function end(child: ChildProcess, signal: NodeJS.Signals, patience = 5000): Promise<void> {
  if (isOver(child)) return
  const gone = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), patience)
  await gone
  clearTimeout(timer)
}
