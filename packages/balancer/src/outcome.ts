/**
 * What became of an attempt: the status that the worker answered in full, or why there is none. A TCP connection is `closed`
 * when both sides have ended it, `idle` when it was silent for too long.
 */
export type Outcome = number | 'closed' | 'idle' | 'failed' | 'client-gone'

/** The classes by which finished attempts are counted. */
export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'closed' | 'idle' | 'failed' | 'client-gone'

/** How attempts fail: the phase in which the worker let them down (see `WorkerFailure`), or that it took too long. */
export type FailureKind = 'connect' | 'request' | 'response' | 'timeout' | 'other'

/** The class by which an outcome is counted; an unknown one is like the last that is known (RFC 9110, 15). */
export function statusClass(outcome: Outcome): StatusClass {
  return typeof outcome === 'number'
    ? (`${Math.min(Math.trunc(outcome / 100), 5)}xx` as StatusClass)
    : outcome
}

/** Whether an attempt was answered, so that it counts how long that took; upgrades are not, for they go on. */
export function hasAnswered(outcome: Outcome): boolean {
  return typeof outcome === 'number' && outcome !== 101
}
