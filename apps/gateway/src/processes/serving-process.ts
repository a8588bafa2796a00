import cluster, { type Worker } from 'node:cluster'
import { existsSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { toError } from './faults.ts'
import { JournalFile } from './journal-file.ts'
import { passLines } from './lines.ts'
import { JOURNAL, type Note, type Order, type Reply, type Report, type Shown } from './messages.ts'

/** What a process runs. */
const MAIN = fileURLToPath(new URL('begin-serving.ts', import.meta.url))

/** So long may it take to do what it is asked, in ms, before it counts as stuck; `end` has its bound beside that. */
const PATIENCE = { prepare: 5000, end: 5000, report: 2000 } as const
/** What it had left is read for so long after its end, in ms: another may hold its output open. */
const REST = 1000

/** Who hears what a process has to say. */
export interface Hears {
  note(from: ServingProcess, note: Note): void
  /** @returns the metrics of all. */
  show(accept: string | undefined): Promise<Shown>
}

type Question = Extract<Order, { kind: 'prepare' | 'report' | 'end' }>
type WithoutId<O> = O extends unknown ? Omit<O, 'id'> : never

/** It has ended, or does not answer. */
export class GoneError extends Error {
  override readonly name = 'GoneError'
}

/** A process that takes traffic, as the leading one sees it. */
export class ServingProcess {
  readonly number: number
  readonly pid: number
  /** In ms since 1970, and by `performance.now`, which no clock that is set changes. */
  readonly startedAt: number = Date.now()
  readonly born: number = performance.now()
  state: 'starting' | 'serving' | 'ending' = 'starting'
  /** When it gave a sign of life, by `performance.now`. Written by `stalls.ts` too. */
  heard: number = performance.now()
  /** Whether it has given none for too long. Written by `stalls.ts`. */
  isStalled = false
  stalls = 0
  /** How it was when it was last asked. */
  report: Report | undefined
  /** Resolves when it has ended and all that it wrote is read, with how, in words. */
  readonly ended: Promise<string>
  hasEnded = false
  readonly #worker: Worker
  readonly #hears: Hears
  readonly #journal = new JournalFile()
  readonly #answers = new Map<number, { resolve: (reply: Answer) => void; reject: (error: Error) => void }>()
  #lastId = 0
  #lastSummary = 0
  /** Whether all that it had to say is known: what comes yet is not heard. */
  #isOver = false

  constructor(number: number, hears: Hears) {
    this.number = number
    this.#hears = hears
    this.#worker = fork(number, this.#journal.fd)
    this.#worker.on('error', () => {}) // it could not be started, or did not get a message, since it is ending
    const { process: child } = this.#worker
    if (child.pid === undefined) {
      this.#journal.rest(0)
      throw new Error(
        `process ${number} could not be started: the system gives no process; look at its limits`,
      )
    }
    this.pid = child.pid
    passLines(child.stdout as Readable, process.stdout)
    passLines(child.stderr as Readable, process.stderr)
    this.#worker.on('message', (reply: Reply) => {
      if (reply.kind === 'done') this.#settle(reply.id, reply)
      else if (reply.kind === 'note') this.#note(reply.note)
      else
        void hears.show(reply.accept).then(
          (shown) => this.tell({ kind: 'shown', id: reply.id, ...shown }),
          () => this.tell({ kind: 'shown', id: reply.id }),
        )
    })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.hasEnded = true
        for (const { reject } of this.#answers.values()) reject(new GoneError(`${this.name} has ended`))
        const end = (): void => {
          clearTimeout(timer)
          child.off('close', end) // which may come later than its time, and the journal is closed then
          for (const note of this.#journal.rest(this.#lastSummary)) hears.note(this, note)
          this.#isOver = true
          resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`)
        }
        const timer = setTimeout(end, REST)
        child.once('close', end)
      })
    })
  }

  /** As the log names it. */
  get name(): string {
    return `process ${this.number} (pid ${this.pid})`
  }

  tell(order: Order): void {
    if (this.#worker.isConnected()) this.#worker.send(order, () => {})
  }

  /** Has it do something. @throws what it throws, and GoneError where it does not answer within its time. */
  async ask(question: WithoutId<Question>, usual: number = PATIENCE[question.kind]): Promise<Answer> {
    if (this.hasEnded) throw new GoneError(`${this.name} has ended`)
    const id = ++this.#lastId
    const patience = usual + (question.kind === 'end' ? question.bound : 0)
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#answers.set(id, { resolve, reject })
    const timer = setTimeout(
      () => reject(new GoneError(`${this.name} gave no answer within ${patience} ms`)),
      patience,
    )
    this.tell({ ...question, id })
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#answers.delete(id)
    }
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }

  #note(note: Note): void {
    if (this.#isOver) return
    this.heard = performance.now()
    this.#lastSummary = note.summary
    if (note.report) this.#settle(note.report.id, note)
    this.#hears.note(this, note)
  }

  #settle(id: number, answer: Answer & { readonly fault?: Parameters<typeof toError>[0] }): void {
    const { resolve, reject } = this.#answers.get(id) ?? {}
    if (answer.report) this.report = answer.report
    if (answer.fault) reject?.(toError(answer.fault))
    else resolve?.(answer)
  }
}

/** What it answered: a report, or whether all ended by itself. */
interface Answer {
  readonly report?: Report
  readonly isWhole?: boolean
}

/**
 * Processes share their listening sockets, and each accepts for itself: none hands on for all, and what is in the queue
 * is not lost with one of them.
 */
function fork(number: number, journal: number | undefined): Worker {
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: MAIN,
    args: [],
    serialization: 'advanced',
    cwd: whereabouts(),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', journal ?? 'ignore'],
  })
  return cluster.fork({
    RONDO_PROCESS: String(number),
    RONDO_JOURNAL: journal === undefined ? '' : String(JOURNAL),
  })
}

/** The folder that this process was started in, or another where that is gone, in which no process can start. */
function whereabouts(): string {
  const folder = process.cwd() // as it was at the start
  return existsSync(folder) ? folder : '/'
}
