import { inspect } from 'node:util'

/**
 * An error that has an answer. Express (through finalhandler) and `answerError` read `status` and `headers`;
 * `message` is for the log and may name workers, `publicMessage` is all that a client gets to see.
 */
export class HttpError extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly publicMessage: string

  constructor(
    status: number,
    publicMessage: string,
    options: ErrorOptions & { message?: string; headers?: Record<string, string> } = {},
  ) {
    super(options.message ?? publicMessage, options)
    this.name = new.target.name
    this.status = status
    this.headers = options.headers
    this.publicMessage = publicMessage
  }
}

/** 503: no worker is alive. `Retry-After` is the time to the next poll, in whole seconds. */
export class NoWorkerError extends HttpError {
  constructor(retryAfter: number) {
    super(503, 'no worker is available', { headers: { 'Retry-After': String(retryAfter) } })
  }
}

/** 502: a worker refused, broke off or answered something that is not HTTP; `cause` says which and how. */
export class BadGatewayError extends HttpError {
  constructor(cause: Error) {
    super(502, 'the worker failed to answer', { cause, message: cause.message })
  }
}

/** 504: a worker took too long; `cause` says which and for what. */
export class GatewayTimeoutError extends HttpError {
  constructor(cause: Error) {
    super(504, 'the worker took too long', { cause, message: cause.message })
  }
}

/** 408: the client's body stopped coming (RFC 9110, 15.5.9). The connection is closed with it. */
export class RequestTimeoutError extends HttpError {
  constructor() {
    super(408, 'the request took too long', { headers: { Connection: 'close' } })
  }
}

/** 413: the client's body is longer than it may be. The connection is closed with it. */
export class ContentTooLargeError extends HttpError {
  constructor(limit: number) {
    super(413, `the request has more than ${limit} bytes`, { headers: { Connection: 'close' } })
  }
}

/**
 * A worker let an attempt down. Forwarders reject with this, and with anything else only for faults that no
 * other worker would mend. `phase` is how far the attempt came:
 * - `connect`: no connection stood, nothing was written and the request body is untouched
 * - `request`: a connection stood, the first byte of a response had not come
 * - `response`: a response had begun
 */
export class WorkerFailure extends Error {
  readonly phase: 'connect' | 'request' | 'response'
  readonly timeout: boolean
  /** Whether the connection had carried an exchange before: the worker may have closed it as idle. */
  readonly reused: boolean
  /** The status of an answer that was asked not to be passed on. */
  readonly status: number | undefined

  constructor(
    workerId: string,
    phase: WorkerFailure['phase'],
    cause: unknown,
    {
      timeout = false,
      reused = false,
      status,
    }: { timeout?: boolean; reused?: boolean; status?: number } = {},
  ) {
    super(`worker ${workerId}: ${describe(cause)}`, { cause })
    this.name = 'WorkerFailure'
    this.phase = phase
    this.timeout = timeout
    this.reused = reused
    this.status = status
  }
}

/** What went wrong; never empty, though the AggregateError of a name with several addresses has no message. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : show(error)
  const causes = error instanceof AggregateError ? error.errors.map(describe).join('; ') : ''
  return error.message || causes || (error as NodeJS.ErrnoException).code || error.name
}

/** The error for a client, from whatever ended the last attempt. A fault that is not a worker's is passed on as it is. */
export function toHttpError(failure: unknown): unknown {
  if (!(failure instanceof WorkerFailure)) return failure
  if (failure.status === 503)
    return new HttpError(503, 'the worker failed to answer', { cause: failure, message: failure.message })
  return failure.timeout || failure.status === 504
    ? new GatewayTimeoutError(failure)
    : new BadGatewayError(failure)
}

/** Bad input: names the option, the value that was given, and the mend. */
export class OptionError extends TypeError {
  override readonly name = 'OptionError'
  /** The path of the option, such as `workers[1]` or `health.timeout`. */
  readonly option: string
  /** The message without the option: the value, and the mend. */
  readonly reason: string

  constructor(option: string, value: unknown, mend: string) {
    const reason = `${show(value)} ${mend}`
    super(`${option}: ${reason}`)
    this.option = option
    this.reason = reason
  }
}

/** @throws OptionError that names `option` unless `value` is a function; `mend` is what to give. */
export function checkFunction(option: string, value: unknown, mend: string): void {
  if (typeof value !== 'function') throw new OptionError(option, value, `is no function; give ${mend}`)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`
  if (value instanceof URL) return JSON.stringify(value.href)
  const text = inspect(value, { depth: 1, breakLength: Infinity })
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}
