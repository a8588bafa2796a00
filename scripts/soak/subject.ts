import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Commands, Message, Order, Spec, Trouble } from './balancer.ts'
import { end, isOver, startChild } from './children.ts'

const FILE = fileURLToPath(new URL('balancer.ts', import.meta.url))

/** What is soaked: the library in an app, or a gateway, which is reloaded all the time. */
export type SubjectKind = 'app' | 'gateway'

/** What the balancer says unasked. */
export interface Listener {
  trouble(trouble: Trouble): void
  down(worker: string, reason: string): void
  /** Something that the soak holds against it, such as the end of its process. */
  complaint(text: string): void
}

/** The balancer's process, as the soak sees it. */
export class Subject {
  readonly port: number
  readonly #child: ChildProcess
  readonly #listener: Listener
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  #seq = 0

  private constructor(child: ChildProcess, port: number, listener: Listener) {
    this.#child = child
    this.port = port
    this.#listener = listener
    child.on('message', (message: Message) => this.#hear(message))
    child.once('exit', (code, signal) => {
      const why = `the balancer ended with ${signal ?? `exit code ${code}`}`
      if (signal !== 'SIGKILL') listener.complaint(why)
      for (const { reject } of this.#asked.values()) reject(new Error(why))
    })
  }

  /**
   * Resolves when it listens.
   * @throws Error when it does not.
   */
  static async start(
    kind: SubjectKind,
    forwarder: string,
    workers: readonly Spec[],
    listener: Listener,
  ): Promise<Subject> {
    const child = startChild(FILE, [forwarder, JSON.stringify(workers), kind])
    child.stdout?.pipe(process.stderr, { end: false })
    const first = await Promise.race([once(child, 'message'), once(child, 'exit')])
    const [message] = first as [Message]
    if (isOver(child) || message.is !== 'ready') throw new Error('the balancer did not start')
    return new Subject(child, message.port, listener)
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Has it run a command. */
  ask<Name extends keyof Commands>(
    name: Name,
    ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    const order: Order = { seq: this.#seq++, name, args }
    const answer = Promise.withResolvers<unknown>()
    this.#asked.set(order.seq, answer)
    this.#child.send(order, (error) => {
      if (error) answer.reject(new Error('the balancer has ended', { cause: error }))
    })
    return answer.promise.finally(() => this.#asked.delete(order.seq)) as Promise<
      Awaited<ReturnType<Commands[Name]>>
    >
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    await end(this.#child, 'SIGKILL')
  }

  #hear(message: Message): void {
    if (message.is === 'trouble') this.#listener.trouble(message.trouble)
    else if (message.is === 'down') this.#listener.down(message.worker, message.reason)
    else if (message.is === 'warning') this.#listener.complaint(`the balancer warns: ${message.text}`)
    else if (message.is === 'answer') this.#asked.get(message.seq)?.resolve(message.answer)
    else if (message.is === 'refusal') this.#asked.get(message.seq)?.reject(new Error(message.why))
  }
}
