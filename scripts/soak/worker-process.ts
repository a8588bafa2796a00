import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { end, startChild } from './children.ts'

const MAIN = fileURLToPath(new URL('../../apps/worker/src/main.ts', import.meta.url))
const PATIENCE = 20_000

/** A worker of apps/worker in its own process, always on the same port. */
export class WorkerProcess {
  readonly name: string
  readonly port: number
  /** Whether a fault or a change of the pool has it in hand. Written by `faults.ts`. */
  busy = false
  #child: ChildProcess | undefined

  constructor(name: string, port: number) {
    this.name = name
    this.port = port
  }

  /** How it is given to the pool. */
  get spec(): { name: string; url: string } {
    return { name: this.name, url: `http://127.0.0.1:${this.port}` }
  }

  /**
   * Resolves when it listens.
   * @throws Error when it does not.
   */
  async start(): Promise<void> {
    const child = startChild(MAIN, [], { PORT: String(this.port), NAME: this.name })
    this.#child = child
    const bound = AbortSignal.timeout(PATIENCE)
    const ended = once(child, 'exit', { signal: bound }).then(() => {
      throw new Error(`worker ${this.name} ended before it listened`)
    })
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data', { signal: bound }), ended])
    ended.catch(() => {})
    child.stdout?.resume()
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGKILL')
  }

  /** SIGTERM; resolves when the process is gone. */
  async stop(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGTERM')
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }
}

const given = new Set<number>()

/** A free port below those that the system gives to connections: none takes it while its worker is down. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
