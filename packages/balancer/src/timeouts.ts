import { OptionError } from './errors.ts'

/** How long the parts of an exchange may take, in ms. Who is at fault for a delay gets the blame: 504 is a worker's, 408 a client's. */
export interface Timeouts {
  /** Until a connection to a worker stands. Default 3000. */
  readonly connect: number
  /** From the end of the request to the head of the worker's response, or until a worker that takes no more of the body takes some. Default 30 000. */
  readonly response: number
  /** Between two parts of a response, while the client is reading; `text/event-stream` and upgraded connections are free of it. Default 60 000. */
  readonly idle: number
  /** Between two parts of a request's body, while the worker is reading. Default 30 000. */
  readonly body: number
  /** From an upgrade's request to the worker's answer. Default 10 000. */
  readonly upgrade: number
}

/** How connections to workers are kept for reuse. */
export interface KeepAlive {
  /** How long a connection may be idle before it is closed, in ms. Default 4000, since Node's servers close theirs after 5 s. */
  readonly idle: number
}

/** The longest delay that a timer can have, in ms: 24 days. */
const LONGEST = 2 ** 31 - 1

/** @throws OptionError for what is no duration. */
export function toTimeouts(options: Partial<Timeouts> = {}): Timeouts {
  const { connect = 3000, response = 30_000, idle = 60_000, body = 30_000, upgrade = 10_000 } = options
  const timeouts = { connect, response, idle, body, upgrade }
  for (const [name, value] of Object.entries(timeouts)) checkDuration(`timeouts.${name}`, value)
  return timeouts
}

/** @throws OptionError for what is no duration. */
export function toKeepAlive({ idle = 4000 }: Partial<KeepAlive> = {}): KeepAlive {
  checkDuration('keepAlive.idle', idle)
  return { idle }
}

/** @throws OptionError that names `option` unless `value` is a time that a timer can wait. */
export function checkDuration(option: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || !(value > 0) || value > LONGEST)
    throw new OptionError(
      option,
      value,
      `is not a duration; give milliseconds above 0, and no more than ${LONGEST}`,
    )
}
