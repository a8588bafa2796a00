import { setTimeout as sleep } from 'node:timers/promises'
import type { Drained } from '@rondo/balancer'
import type { Spec } from './balancer.ts'
import type { Chance } from './chance.ts'
import type { Kill } from './rules.ts'
import type { Subject } from './subject.ts'
import { freePort, WorkerProcess } from './worker-process.ts'

/** How many workers the pool has at the beginning and at the end, and at most. */
const WORKERS = 4
const MOST = 6
/** How many workers are in hand at once at most: the others are well, so what can be saved has a place to go. */
const HANDS = 2
/** How long a worker may take to be found well, in ms. */
const PATIENCE = 30_000
/**
 * How long a worker stays in hand when it is well again, in ms: longer than a request takes until its response begins. So
 * none meets a third worker that fails, which would be one too many for its three attempts.
 */
const AFTERMATH = 3000

/** What happens to workers; `kill` and `pause` more often than the others. */
const ACTIONS = ['kill', 'kill', 'pause', 'pause', 'drain', 'restart', 'add', 'remove', 'update'] as const

export type Action = (typeof ACTIONS)[number]

/** The workers, and what happens to them while there is traffic. */
export class Faults {
  readonly kills: Kill[] = []
  /** How often what was done. */
  readonly done: Partial<Record<Action, number>> = {}
  readonly #chance: Chance
  readonly #complain: (text: string) => void
  readonly #workers: WorkerProcess[] = []
  /** Those that may be found down. */
  readonly #excused = new Set<string>()
  #count = 0

  /** What must not happen goes to `complain`. */
  constructor(chance: Chance, complain: (text: string) => void) {
    this.#chance = chance
    this.#complain = complain
  }

  /** Starts the first workers, and returns what the pool is to be made of. */
  async begin(): Promise<readonly Spec[]> {
    const workers = await Promise.all(Array.from({ length: WORKERS }, () => this.#startOne()))
    this.#workers.push(...workers)
    return workers.map(({ spec }) => spec)
  }

  /** One action after the other, two at a time, until `over`; resolves when the pool is as it was, and all are well. */
  async go(subject: Subject, over: AbortSignal): Promise<void> {
    const underWay = new Set<Promise<void>>()
    while (!over.aborted) {
      await rest(this.#chance.between(200, 1200), over)
      if (underWay.size >= HANDS || over.aborted) continue
      const action = this.#chance.one(ACTIONS)
      const run = this.#run(action, subject, over)
        .catch((error: unknown) => this.#complain(`${action}: ${String(error)}`))
        .finally(() => underWay.delete(run))
      underWay.add(run)
    }
    await Promise.all(underWay)
    while (this.#workers.length > WORKERS) await this.#remove(this.#free(), subject)
  }

  /** Hears that a worker was found down: no traffic may cause that, so something must have been done to it. */
  down(worker: string, reason: string): void {
    if (!this.#excused.has(worker))
      this.#complain(`worker ${worker} was marked down, though nothing was done to it: ${reason}`)
  }

  /** Runs an action, unless the pool is as large or small as it may be. */
  async #run(action: Action, subject: Subject, over: AbortSignal): Promise<void> {
    if (action === 'add' && this.#workers.length >= MOST) return
    if (action === 'remove' && this.#workers.length <= WORKERS) return
    this.done[action] = (this.done[action] ?? 0) + 1
    if (action === 'add') return this.#add(subject)
    const worker = this.#free()
    worker.busy = true
    try {
      if (action === 'kill') await this.#kill(worker, subject, over)
      else if (action === 'pause') await this.#pause(worker, subject, over)
      else if (action === 'drain') await this.#drain(worker, subject, over)
      else if (action === 'restart') await this.#restart(worker, subject, over)
      else if (action === 'remove') await this.#remove(worker, subject)
      else await this.#update(worker, subject)
    } finally {
      worker.busy = false
    }
  }

  /** SIGKILL in the midst of whatever it does; it comes back on the same port, at once or when it has been found down. */
  async #kill(worker: WorkerProcess, subject: Subject, over: AbortSignal): Promise<void> {
    const kill = { worker: worker.name, at: performance.now(), gone: Infinity }
    this.kills.push(kill)
    await this.#excuse(worker, subject, over, async () => {
      await worker.kill()
      kill.gone = performance.now()
      await rest(this.#chance.between(0, 6000), over)
      await worker.start()
    })
  }

  /** SIGSTOP: it keeps its connections and accepts more, and does nothing. */
  async #pause(worker: WorkerProcess, subject: Subject, over: AbortSignal): Promise<void> {
    await this.#excuse(worker, subject, over, async () => {
      worker.pause()
      await rest(this.#chance.between(1000, 4000), over)
      worker.resume()
    })
  }

  /** Half of the drains are called off. */
  async #drain({ name }: WorkerProcess, subject: Subject, over: AbortSignal): Promise<void> {
    const drained = subject.ask('drain', name)
    if (this.#chance.hits(0.5)) await rest(this.#chance.between(0, 500), over)
    else await drained
    await subject.ask('undrain', name)
    this.#check([await drained])
  }

  /** As a careful operator does it: nothing is lost. */
  async #restart(worker: WorkerProcess, subject: Subject, over: AbortSignal): Promise<void> {
    this.#check([await subject.ask('drain', worker.name)])
    await this.#excuse(worker, subject, over, async () => {
      await worker.stop()
      await worker.start()
    })
    await subject.ask('undrain', worker.name)
  }

  async #add(subject: Subject): Promise<void> {
    const worker = await this.#startOne()
    worker.busy = true
    this.#workers.push(worker)
    await subject.ask('add', worker.spec)
    await this.#untilAlive(worker, subject)
    worker.busy = false
  }

  async #remove(worker: WorkerProcess, subject: Subject): Promise<void> {
    this.#workers.splice(this.#workers.indexOf(worker), 1)
    this.#check([await subject.ask('remove', worker.name)])
    await worker.stop()
  }

  /** Everybody gets another weight, and one worker is replaced by a new one. */
  async #update(worker: WorkerProcess, subject: Subject): Promise<void> {
    const successor = await this.#startOne()
    this.#workers.splice(this.#workers.indexOf(worker), 1, successor)
    successor.busy = true
    const specs = this.#workers.map(({ spec }) => ({ ...spec, weight: this.#chance.between(1, 3) }))
    this.#check(await subject.ask('update', specs))
    await worker.stop()
    await this.#untilAlive(successor, subject)
    successor.busy = false
  }

  /** Lets a worker be found down while something is done to it, and until it is well for some time. */
  async #excuse(
    worker: WorkerProcess,
    subject: Subject,
    over: AbortSignal,
    deed: () => Promise<void>,
  ): Promise<void> {
    this.#excused.add(worker.name)
    await deed()
    await this.#untilAlive(worker, subject)
    await rest(AFTERMATH, over)
    this.#excused.delete(worker.name)
  }

  /** Everything lasts shorter than a drain may, so there is nothing to cut. */
  #check(reports: readonly Drained[]): void {
    for (const { id, cut } of reports) if (cut > 0) this.#complain(`the drain of ${id} cut ${cut} requests`)
  }

  async #untilAlive({ name }: WorkerProcess, subject: Subject): Promise<void> {
    for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; await sleep(100))
      if (await subject.ask('isAlive', name)) return
    this.#complain(`worker ${name} was not found well again`)
  }

  #free(): WorkerProcess {
    return this.#chance.one(this.#workers.filter(({ busy }) => !busy))
  }

  async #startOne(): Promise<WorkerProcess> {
    const worker = new WorkerProcess(`w${++this.#count}`, await freePort())
    await worker.start()
    return worker
  }
}

/** Waits, less when `over` comes first. */
async function rest(ms: number, over: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: over }).catch(() => {})
}
