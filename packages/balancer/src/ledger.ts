import type { BreakerState } from './breaker.ts'
import { changes, type Counts, type Requests, type WorkerCounts } from './counts.ts'
import { hasAnswered } from './outcome.ts'
import type { Picker } from './picker.ts'
import { Tally } from './tally.ts'
import type { Connected, FailureKind, Outcome, StatusClass, Worker } from './worker.ts'

/** So many figures of how long something took are kept until they are asked for: 2 MB. Of more, none is told. */
const MOST = 2 ** 18

/** What was told last of a worker, and what there is to tell. */
interface Page {
  readonly worker: Worker
  isTouched: boolean
  /** Of TCP: their bytes change untold. */
  hasConnections: boolean
  told: Told
  durations: number[]
  connects: number[]
}

interface Told {
  readonly numbers: Record<'attempts' | 'retries' | 'received' | 'sent', number>
  readonly outcomes: Readonly<Record<StatusClass, number>>
  readonly failures: Readonly<Record<FailureKind, number>>
  readonly breaker: BreakerState
}

/** What a pool has counted and not yet told. It costs by the workers that were touched, not by those there are. */
export class Ledger {
  readonly #requests: Readonly<Requests>
  readonly #picker: Picker
  readonly #onCounted: () => void
  readonly #pages = new WeakMap<Worker, Page>()
  #touched: Page[] = []
  #toldRequests: Requests
  #figures = 0

  /** `onCounted` is called at once whenever there is something to take. */
  constructor(requests: Readonly<Requests>, picker: Picker, onCounted: () => void) {
    this.#requests = requests
    this.#picker = picker
    this.#onCounted = onCounted
    this.#toldRequests = copyOf(requests)
  }

  /** Notes how long an attempt took, in ms, that is over and not yet counted; returns that as it is told. */
  ended(worker: Worker, outcome: Outcome, duration: number): number {
    const figure = toThousandth(duration)
    if (hasAnswered(outcome) && this.#figures++ < MOST) this.#pageOf(worker).durations.push(figure)
    return figure
  }

  /** Notes how long a TCP connection took to stand, in ms. */
  readonly connected: Connected = (worker, duration) => {
    const page = this.#pageOf(worker)
    page.hasConnections = true
    if (this.#figures++ < MOST) page.connects.push(toThousandth(duration))
    this.touch(worker)
  }

  /** Notes that something has changed of a worker. */
  touch(worker: Worker): void {
    this.#mark(this.#pageOf(worker))
    this.#onCounted()
  }

  /** What has changed since the last time; undefined for nothing. */
  take(): Counts | undefined {
    const requests = changes<keyof Requests>(this.#requests, this.#toldRequests)
    if (requests) this.#toldRequests = copyOf(this.#requests)
    const touched = this.#touched
    this.#touched = []
    this.#figures = 0
    const workers: WorkerCounts[] = []
    for (const page of touched) {
      page.isTouched = false
      const counts = this.#takePage(page)
      if (counts) workers.push(counts)
      if (page.hasConnections && page.worker.inFlight > 0) this.#mark(page) // next time there may be more bytes
    }
    if (!requests && workers.length === 0) return undefined
    return { ...(requests && { requests }), ...(workers.length > 0 && { workers }) }
  }

  #takePage(page: Page): WorkerCounts | undefined {
    const { worker, told, durations, connects } = page
    const now = this.#nowOf(worker)
    const numbers = changes(now.numbers, told.numbers)
    const outcomes = changes(now.outcomes, told.outcomes)
    const failures = changes(now.failures, told.failures)
    const isOther = now.breaker !== told.breaker
    if (!numbers && !outcomes && !isOther && connects.length === 0) return undefined
    page.told = now
    page.durations = []
    page.connects = []
    return {
      id: worker.id,
      url: worker.url.href,
      ...numbers,
      ...(outcomes && { outcomes }),
      ...(failures && { failures }),
      ...(durations.length > 0 && { durations }),
      ...(connects.length > 0 && { connects }),
      ...(isOther && { breaker: now.breaker }),
    }
  }

  #nowOf(worker: Worker): Told {
    const { requests: attempts, retries, received, sent, outcomes, failures } = worker
    return {
      numbers: { attempts, retries, received, sent },
      outcomes: { ...outcomes },
      failures: { ...failures },
      breaker: this.#picker.stateOf(worker),
    }
  }

  #mark(page: Page): void {
    if (page.isTouched) return
    page.isTouched = true
    this.#touched.push(page)
  }

  #pageOf(worker: Worker): Page {
    const known = this.#pages.get(worker)
    if (known) return known
    const page: Page = {
      worker,
      isTouched: false,
      hasConnections: false,
      told: NOTHING,
      durations: [],
      connects: [],
    }
    this.#pages.set(worker, page)
    return page
  }
}

const NONE = new Tally()

/** What was told of a worker before the first time. */
const NOTHING: Told = {
  numbers: { attempts: 0, retries: 0, received: 0, sent: 0 },
  outcomes: NONE.outcomes,
  failures: NONE.failures,
  breaker: 'closed',
}

function toThousandth(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function copyOf({ total, failed, active, unattempted, retries, retriesDenied }: Requests): Requests {
  return { total, failed, active, unattempted, retries, retriesDenied }
}
