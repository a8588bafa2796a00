import { statusClass, type FailureKind, type Outcome, type StatusClass } from './outcome.ts'

/** What an attempt is carried for: a response, or an upgraded client's socket. To destroy it ends the attempt. */
export interface Carrier {
  destroy(): unknown
  /** Bytes from the worker and to it, so far; of TCP alone. */
  readonly received?: number
  readonly sent?: number
}

/** What was counted of a worker's attempts over some time. Zeroes are left out. */
export interface AttemptCounts {
  /** Attempts begun, and how many of them were not the first of their request. */
  readonly attempts?: number
  readonly retries?: number
  /** Attempts that ended, by what became of them; those that failed, by how. */
  readonly outcomes?: Readonly<Partial<Record<StatusClass, number>>>
  readonly failures?: Readonly<Partial<Record<FailureKind, number>>>
  /**
   * Bytes of TCP connections from the worker and to it, those under way included. Negative if less was brought than it
   * seemed.
   */
  readonly received?: number
  readonly sent?: number
  /** How long answers took, as the metrics count them, in ms to a thousandth. */
  readonly durations?: readonly number[]
  /** How long TCP connections took to stand, in ms to a thousandth. */
  readonly connects?: readonly number[]
}

/** What became of a worker's attempts that are over. */
export class Tally {
  /** By what became of them. */
  readonly outcomes: Record<StatusClass, number> = {
    '1xx': 0,
    '2xx': 0,
    '3xx': 0,
    '4xx': 0,
    '5xx': 0,
    closed: 0,
    idle: 0,
    failed: 0,
    'client-gone': 0,
  }

  /** Those that failed, by how. */
  readonly failures: Record<FailureKind, number> = {
    connect: 0,
    request: 0,
    response: 0,
    timeout: 0,
    other: 0,
  }

  /** Bytes of TCP connections, from the worker and to it. */
  received = 0
  sent = 0

  /** Counts an attempt and the bytes that it carried; `kind` is of the outcome `failed`. */
  add(outcome: Outcome, kind: FailureKind, carrier?: Carrier): void {
    this.outcomes[statusClass(outcome)]++
    if (outcome === 'failed') this.failures[kind]++
    this.received += carrier?.received ?? 0
    this.sent += carrier?.sent ?? 0
  }

  /** Adds what was counted elsewhere. Returns how many attempts ended there. */
  absorb({ outcomes, failures, received = 0, sent = 0 }: AttemptCounts): number {
    this.received += received
    this.sent += sent
    addTo(this.failures, failures)
    return addTo(this.outcomes, outcomes)
  }
}

/** Returns the sum of what was added. */
function addTo<K extends string>(counts: Record<K, number>, more: Partial<Record<K, number>> = {}): number {
  let sum = 0
  for (const key in more) {
    const count = more[key] ?? 0
    counts[key] += count
    sum += count
  }
  return sum
}
