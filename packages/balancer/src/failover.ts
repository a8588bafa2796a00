import type { IncomingMessage } from 'node:http'
import { OptionError, WorkerFailure } from './errors.ts'
import type { RetryBudget } from './retry-budget.ts'
import { checkDuration } from './timeouts.ts'

/** What a request may be retried on beyond lost connections, if it is idempotent: the worker's answer, or that there is none. */
export type RetryReason = '502' | '503' | '504' | 'timeout'

/** When a request goes on to another worker. */
export interface FailoverOptions {
  /** How many attempts a request may have, the first one included. Default 3. */
  readonly attempts?: number
  /** How long all attempts together may take, in ms, until the response begins. Default 60 000. */
  readonly deadline?: number
  /** Bounds the retries of requests that had reached a worker. Default 20 % of the requests, at least 3 a second. */
  readonly budget?: Partial<RetryBudget>
  /** Default none. */
  readonly retryOn?: readonly RetryReason[]
}

/** The same, checked and whole. */
export interface Failover {
  readonly attempts: number
  readonly deadline: number
  readonly budget: RetryBudget
  readonly retriesTimeouts: boolean
  readonly retriedStatuses: ReadonlySet<number>
}

const REASONS: readonly unknown[] = ['502', '503', '504', 'timeout'] satisfies RetryReason[]

/** Methods that mean the same when they are done twice (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** @throws OptionError for what is no count, duration, share or reason. */
export function toFailover(options: FailoverOptions = {}): Failover {
  const { attempts = 3, deadline = 60_000, budget = {}, retryOn = [] } = options
  const { ratio = 0.2, floor = 3 } = budget
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new OptionError('failover.attempts', attempts, 'is not a count; give a whole number of 1 or more')
  checkDuration('failover.deadline', deadline)
  if (typeof ratio !== 'number' || !(ratio >= 0 && ratio <= 1))
    throw new OptionError('failover.budget.ratio', ratio, 'is not a share; give a number from 0 to 1')
  if (typeof floor !== 'number' || !(floor >= 0 && floor < Infinity))
    throw new OptionError('failover.budget.floor', floor, 'is not a rate; give retries per second, 0 or more')
  const list = Array.isArray(retryOn) ? retryOn : [retryOn]
  for (const reason of list)
    if (!REASONS.includes(reason))
      throw new OptionError(
        'failover.retryOn',
        reason,
        `is no reason; give a list of "${REASONS.join('", "')}"`,
      )
  return {
    attempts,
    deadline,
    budget: { ratio, floor },
    retriesTimeouts: list.includes('timeout'),
    retriedStatuses: new Set(list.filter((reason) => reason !== 'timeout').map(Number)),
  }
}

/**
 * Whether a request whose attempt failed may have another:
 * - nothing was written to the worker (no connection stood): any method, the body is untouched
 * - a connection stood but no byte of a response came: idempotent methods without a body; for a timeout, or
 *   an answer of a retried status, only where `retryOn` says so
 * - a response had begun, or the fault is not a worker's: never
 */
export function mayFailOver(failure: unknown, req: IncomingMessage, { retriesTimeouts }: Failover): boolean {
  if (!(failure instanceof WorkerFailure)) return false
  if (failure.phase === 'connect' || failure.status !== undefined) return true
  return failure.phase === 'request' && isRepeatable(req) && (!failure.timeout || retriesTimeouts)
}

/** Whether a request that has reached a worker may be sent again. */
export function isRepeatable(req: IncomingMessage): boolean {
  return IDEMPOTENT.has(req.method ?? '') && !hasBody(req)
}

/** Whether a request announces a body (RFC 9112, 6.3). */
export function hasBody(req: IncomingMessage): boolean {
  const { headers } = req
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Whether an attempt cost a worker anything: to go on from a refused connection multiplies no traffic. */
export function hasReachedWorker(error: unknown): boolean {
  return !(error instanceof WorkerFailure && error.phase === 'connect')
}

/** Whether the worker may just have closed a connection that was idle for too long. */
export function isStale(error: unknown): boolean {
  return error instanceof WorkerFailure && error.phase === 'request' && error.reused && !error.timeout
}
