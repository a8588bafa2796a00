import type { EventEmitter } from 'node:events'
import type { Configuration } from './configuration.ts'
import { Drains, toDrain, type Drained, type DrainOptions, type OnDrain } from './drain.ts'
import type { PoolEvents, Updated } from './pool-events.ts'
import { Picker } from './picker.ts'
import type { PoolOptions } from './pool-options.ts'
import { tell } from './tell.ts'
import { displaced, find, ids, isForTcp, merge, toWorker, toWorkers } from './worker-list.ts'
import type { Worker, WorkerSpec } from './worker.ts'

/** Told of those who come and go, beside the listeners of the pool. */
export interface OnMember {
  joined(worker: Worker): void
  left(worker: Worker): void
  /** Its breaker has another state. */
  broke(worker: Worker): void
}

/**
 * The workers of a pool, how they come and go, and who of them may be picked. Its methods are those of `Pool`, which says
 * more.
 */
export class Members {
  #all: readonly Worker[] = []
  #seq: number
  #closing: Promise<Drained[]> | undefined
  readonly #isTcp: boolean
  readonly #configuration: Configuration
  readonly #events: EventEmitter<PoolEvents>
  readonly #on: OnMember
  readonly drains: Drains
  readonly picker: Picker

  /** `workers` are the first, with `seq` from 0; `settle` is that of `createPool`. */
  constructor(
    workers: readonly Worker[],
    configuration: Configuration,
    events: EventEmitter<PoolEvents>,
    on: OnMember,
    settle?: () => Promise<unknown>,
  ) {
    this.#seq = workers.length
    this.#isTcp = isForTcp(workers)
    this.#configuration = configuration
    this.#events = events
    this.#on = on
    const onDrain: OnDrain = {
      begun: (worker) => {
        this.refresh()
        tell(() => this.#events.emit('draining', worker))
      },
      over: (worker, report) => tell(() => this.#events.emit('drained', worker, report)),
      gone: (worker) => this.#leave(worker),
    }
    this.drains = new Drains(onDrain, settle)
    this.picker = new Picker(configuration.settings, this.drains, (worker, state) => {
      this.refresh()
      if (state !== 'half-open')
        tell(() => events.emit(state === 'open' ? 'breaker-open' : 'breaker-close', worker))
      on.broke(worker)
    })
    this.#join(workers)
  }

  /** In the order in which they came. */
  get all(): readonly Worker[] {
    return this.#all
  }

  /** Looks anew who may be picked; to be called whenever that may have changed. */
  refresh(): void {
    this.picker.refresh(this.#closing ? [] : this.#all)
  }

  add(spec: WorkerSpec): Worker {
    const worker = toWorker(spec, this.#nextSeq(), this.#isTcp, this.#all)
    this.#join([worker])
    return worker
  }

  async drain(id: string, options: DrainOptions): Promise<Drained> {
    const worker = find(this.#all, id)
    return this.drains.drain(worker, this.#drainOptions(options))
  }

  undrain(id: string): void {
    const worker = find(this.#all, id)
    this.drains.end(worker)
    this.refresh()
  }

  async remove(id: string, options: DrainOptions): Promise<Drained> {
    const worker = find(this.#all, id)
    return this.drains.remove(worker, this.#drainOptions(options))
  }

  update(specs: readonly WorkerSpec[], options: PoolOptions): Updated {
    const settings = this.#configuration.next(options)
    const wanted = toWorkers(specs, this.#nextSeq, this.#isTcp)
    this.#configuration.change(options, settings, this.#all)
    this.picker.reconfigure(settings)
    const drain = this.#drainOptions({})
    const { kept, added, removed } = merge(this.#all, wanted)
    for (const worker of kept) this.drains.stay(worker)
    this.refresh()
    const leaving = removed.filter((worker) => !this.drains.isLeaving(worker)) // others go on as they were asked to
    const drained = leaving.map((worker) => this.drains.remove(worker, drain))
    for (const worker of displaced(removed, [...kept, ...added])) this.#leave(worker)
    this.#join(added)
    return {
      added: ids(added),
      removed: ids(removed),
      kept: ids(kept),
      drained: Promise.all(drained),
    }
  }

  close(options: DrainOptions): Promise<readonly Drained[]> {
    const { timeout } = this.#drainOptions(options)
    if (!this.#closing) {
      this.#configuration.close()
      this.picker.breaker?.close()
      this.#closing = Promise.all(
        this.#all.map((worker) => this.drains.wait(worker, { timeout, sessions: 'leave' })),
      )
      this.refresh()
    }
    return this.#closing
  }

  #join(workers: readonly Worker[]): void {
    this.#all = Object.freeze([...this.#all, ...workers])
    for (const worker of workers) this.#on.joined(worker)
    if (workers.length > 0) this.#configuration.watch(workers, this.picker.eligible.length === 0)
    for (const worker of workers) tell(() => this.#events.emit('added', worker))
  }

  #leave(worker: Worker): void {
    if (!this.#all.includes(worker)) return
    this.#all = Object.freeze(this.#all.filter((candidate) => candidate !== worker))
    this.#configuration.poller.unwatch(worker)
    this.picker.breaker?.forget(worker)
    this.refresh()
    this.#on.left(worker)
    tell(() => this.#events.emit('removed', worker))
  }

  #drainOptions(options: DrainOptions): Required<DrainOptions> {
    const drain = toDrain('', { ...this.#configuration.settings.drain, ...options })
    return this.#configuration.settings.sticky ? drain : { ...drain, sessions: 'leave' } // there are none
  }

  readonly #nextSeq = (): number => this.#seq++
}
