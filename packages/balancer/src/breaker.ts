import { OptionError } from './errors.ts'
import { checkDuration } from './timeouts.ts'
import type { Outcome, Worker } from './worker.ts'

/** When a worker that lives, but fails, is given a rest. */
export interface BreakerOptions {
  /** Failures that open it: attempts that failed, and answers of 500 and above. Default 5. */
  readonly failures?: number
  /** Over what time they are counted, in ms. Default 10 000. */
  readonly within?: number
  /** How long no attempt is made then, in ms; after that one is, and decides, or as long after it another. Default 30 000. */
  readonly open?: number
}

/** `half-open`: its rest is over, and one attempt shows whether it is well. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Told of every change of a state. */
export type OnBreaker = (worker: Worker, state: BreakerState) => void

interface Circuit {
  state: BreakerState
  /** When the last failures were, by `now`. */
  failures: number[]
  /** When it was half open last, by `now`: what began before says nothing about a worker that has rested. */
  restedAt: number
  /** Whether the one attempt of a half-open circuit is under way. */
  probing: boolean
  timer: NodeJS.Timeout | undefined
}

/** @throws OptionError for what is no count or duration. */
export function toBreaker(options: BreakerOptions): Required<BreakerOptions> {
  const { failures = 5, within = 10_000, open = 30_000 } = options
  if (!Number.isInteger(failures) || failures < 1)
    throw new OptionError('breaker.failures', failures, 'is not a count; give a whole number of 1 or more')
  checkDuration('breaker.within', within)
  checkDuration('breaker.open', open)
  return { failures, within, open }
}

/**
 * A circuit breaker for each worker (Nygard, Release It!, 2007). It is not liveness: it only says whom it would pause;
 * the pool pauses nobody when that would be everybody.
 */
export class Breaker {
  readonly #options: Required<BreakerOptions>
  readonly #onChange: OnBreaker
  readonly #now: () => number
  readonly #circuits = new Map<Worker, Circuit>()
  /** Whose attempts may still end, but count no more. */
  readonly #gone = new WeakSet<Worker>()
  #isClosed = false

  constructor(
    options: Required<BreakerOptions>,
    onChange: OnBreaker,
    now: () => number = () => performance.now(),
  ) {
    this.#options = options
    this.#onChange = onChange
    this.#now = now
  }

  stateOf(worker: Worker): BreakerState {
    return this.#circuits.get(worker)?.state ?? 'closed'
  }

  /** Whether a worker gets no attempts for now. */
  pauses(worker: Worker): boolean {
    const circuit = this.#circuits.get(worker)
    return circuit !== undefined && (circuit.state === 'open' || circuit.probing)
  }

  /** An attempt begins. True when that changes whom it pauses. */
  began(worker: Worker): boolean {
    const circuit = this.#circuits.get(worker)
    if (circuit?.state !== 'half-open') return false
    circuit.probing = true
    clearTimeout(circuit.timer)
    // What goes on for long, a WebSocket or an event stream, decides nothing: another may try.
    circuit.timer = setTimeout(() => {
      circuit.probing = false
      this.#onChange(worker, 'half-open')
    }, this.#options.open).unref()
    return true
  }

  /** An attempt has ended, after so many ms. */
  ended(worker: Worker, outcome: Outcome, duration = 0): void {
    if (this.#isClosed || this.#gone.has(worker)) return
    const isFailure = outcome === 'failed' || (typeof outcome === 'number' && outcome >= 500)
    const circuit = this.#circuits.get(worker)
    if (circuit && this.#now() - duration < circuit.restedAt) return
    if (circuit?.probing) return this.#decide(worker, circuit, outcome, isFailure)
    if (!isFailure || circuit?.state === 'open') return
    const { failures, within } = this.#options
    const { failures: last } = circuit ?? this.#open(worker)
    last.push(this.#now())
    if (last.length > failures) last.shift()
    const [first = 0] = last
    if (last.length === failures && this.#now() - first <= within) this.#trip(worker)
  }

  /** Forgets a worker that has left for good. */
  forget(worker: Worker): void {
    this.#gone.add(worker)
    clearTimeout(this.#circuits.get(worker)?.timer)
    this.#circuits.delete(worker)
  }

  /** Forgets all, for good. */
  close(): void {
    this.#isClosed = true
    for (const worker of this.#circuits.keys()) this.forget(worker)
  }

  #open(worker: Worker): Circuit {
    const circuit: Circuit = {
      state: 'closed',
      failures: [],
      restedAt: -Infinity,
      probing: false,
      timer: undefined,
    }
    this.#circuits.set(worker, circuit)
    return circuit
  }

  #decide(worker: Worker, circuit: Circuit, outcome: Outcome, isFailure: boolean): void {
    clearTimeout(circuit.timer)
    circuit.probing = false
    if (isFailure) return this.#trip(worker)
    if (outcome === 'client-gone') return this.#onChange(worker, circuit.state) // says nothing: the next one decides
    this.#circuits.delete(worker)
    this.#onChange(worker, 'closed')
  }

  #trip(worker: Worker): void {
    const circuit = this.#circuits.get(worker) ?? this.#open(worker)
    clearTimeout(circuit.timer)
    circuit.state = 'open'
    circuit.failures = []
    circuit.timer = setTimeout(() => {
      circuit.state = 'half-open'
      circuit.restedAt = this.#now()
      this.#onChange(worker, 'half-open')
    }, this.#options.open).unref()
    this.#onChange(worker, 'open')
  }
}
