import { OptionError } from './errors.ts'
import { checkDuration } from './timeouts.ts'
import { setDraining, type Worker } from './worker.ts'

export interface DrainOptions {
  /** How long what is in flight may go on, in ms, before it is cut. Default 30 000. */
  readonly timeout?: number
  /**
   * Whether clients whose session is with the worker stay with it for the whole time of the drain, or leave at once.
   * Matters to a pool with `sticky`. Default `stay`.
   */
  readonly sessions?: 'stay' | 'leave'
}

/** How a drain ended. */
export interface Drained {
  /** The worker's id. */
  readonly id: string
  /** How many exchanges were cut at the end of the time. */
  readonly cut: number
  /** Whether it was called off, by `undrain` or an update that wants the worker. */
  readonly calledOff: boolean
}

/** @throws OptionError for what is no duration, or neither `stay` nor `leave`; `path` comes before the option's name. */
export function toDrain(path: string, options: DrainOptions = {}): Required<DrainOptions> {
  const { timeout = 30_000, sessions = 'stay' } = options
  checkDuration(`${path}timeout`, timeout)
  if (sessions !== 'stay' && sessions !== 'leave')
    throw new OptionError(`${path}sessions`, sessions, 'is neither "stay" nor "leave"')
  return { timeout, sessions }
}

/** Told of what comes of drains. */
export interface OnDrain {
  /** A worker gets no new requests from now on. */
  begun(worker: Worker): void
  /** A worker that was draining carries nothing more. */
  over(worker: Worker, report: Drained): void
  /** A worker may leave the pool. */
  gone(worker: Worker): void
}

/** Who is draining, and why: the operator says so, or it is on its way out of the pool. The one writer of `draining`. */
export class Drains {
  /** How to call off the drain of a worker. */
  readonly #callOffs = new WeakMap<Worker, AbortController>()
  /** Of workers that are on their way out, whether they were drained before. */
  readonly #leaving = new WeakMap<Worker, boolean>()
  /** Those whose sessions stay until the drain is over. */
  readonly #keeping = new WeakSet<Worker>()
  readonly #on: OnDrain
  /** That of `createPool`. */
  readonly #settle: (() => Promise<unknown>) | undefined

  constructor(on: OnDrain, settle?: () => Promise<unknown>) {
    this.#on = on
    this.#settle = settle
  }

  /** Gives a worker no new requests, and resolves as `wait` does. */
  async drain(worker: Worker, drain: Required<DrainOptions>): Promise<Drained> {
    this.#begin(worker, drain.sessions)
    const report = await this.wait(worker, drain)
    if (!report.calledOff) this.#on.over(worker, report)
    return report
  }

  /** Drains a worker that may leave then; at once if it carries nothing, and others cannot carry anything to it. */
  async remove(worker: Worker, drain: Required<DrainOptions>): Promise<Drained> {
    if (!this.#leaving.has(worker)) this.#leaving.set(worker, worker.draining)
    const hasLost = worker.draining && !this.#keeping.has(worker) // and gets no session back
    const sessions = hasLost ? 'leave' : drain.sessions
    const isIdle = !this.#settle && worker.inFlight === 0 && sessions === 'leave'
    const report = isIdle
      ? { id: worker.id, cut: 0, calledOff: false }
      : await this.drain(worker, { ...drain, sessions })
    if (!report.calledOff) this.#on.gone(worker)
    return report
  }

  /** Whether a draining worker still gets the requests of its sessions. */
  keepsSessions(worker: Worker): boolean {
    return this.#keeping.has(worker)
  }

  /** Whether a worker is on its way out. */
  isLeaving(worker: Worker): boolean {
    return this.#leaving.has(worker)
  }

  /** Lets a worker that was on its way out stay, drained only if it was before; ends its drain, nothing is cut. */
  stay(worker: Worker): void {
    const wasDraining = this.#leaving.get(worker)
    if (wasDraining !== undefined) this.#callOff(worker, wasDraining)
  }

  /** Ends a worker's drain, whatever it was for; nothing is cut. */
  end(worker: Worker): void {
    this.#callOff(worker, false)
  }

  /**
   * Resolves when a worker carries nothing more, or its drain has ended; after `timeout` ms the rest is cut. Where
   * sessions stay, it lasts until then.
   */
  async wait(worker: Worker, { timeout, sessions }: Required<DrainOptions>): Promise<Drained> {
    const callOff = this.#callOffs.get(worker) ?? new AbortController()
    this.#callOffs.set(worker, callOff)
    // A session may be silent, and come again.
    const idle = sessions === 'stay' ? undefined : this.#idle(worker)
    const report = await bounded(worker, idle, timeout, callOff.signal)
    if (!report.calledOff) this.#keeping.delete(worker)
    return report
  }

  async #idle(worker: Worker): Promise<void> {
    await this.#settle?.()
    await worker.idle()
  }

  #begin(worker: Worker, sessions: 'stay' | 'leave'): void {
    if (sessions === 'stay') this.#keeping.add(worker)
    else this.#keeping.delete(worker)
    if (worker.draining) return
    setDraining(worker, true)
    this.#on.begun(worker)
  }

  #callOff(worker: Worker, draining: boolean): void {
    this.#leaving.delete(worker)
    if (!draining) this.#keeping.delete(worker)
    this.#callOffs.get(worker)?.abort()
    this.#callOffs.delete(worker)
    setDraining(worker, draining)
  }
}

/** How a drain ends: when the worker is idle, after `timeout` ms by a cut, or when it is called off. */
async function bounded(
  worker: Worker,
  idle: Promise<void> | undefined,
  timeout: number,
  calledOff: AbortSignal,
): Promise<Drained> {
  const { id } = worker
  const { promise, resolve } = Promise.withResolvers<Drained>()
  const end = (cut: number): void => resolve({ id, cut, calledOff: calledOff.aborted })
  const callOff = (): void => end(0)
  const timer = setTimeout(() => end(worker.cut()), timeout)
  calledOff.addEventListener('abort', callOff)
  void idle?.then(() => end(0))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    calledOff.removeEventListener('abort', callOff)
  }
}
