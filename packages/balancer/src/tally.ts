import { statusClass, type FailureKind, type Outcome, type StatusClass } from './outcome.ts'

/** What an attempt is carried for: a response, or an upgraded client's socket. To destroy it ends the attempt. */
export interface Carrier {
  destroy(): unknown
  /** Bytes from the worker and to it, so far; of TCP alone. */
  readonly received?: number
  readonly sent?: number
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
}
