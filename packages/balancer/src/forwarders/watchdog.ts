import { ContentTooLargeError, RequestTimeoutError } from '../errors.ts'
import { timedOut } from './dial.ts'
import type { Terms } from './forwarder.ts'

/** An exchange that a watchdog looks after. */
export interface Watched {
  /** Whether the worker has yet to take what has come of the request's body. */
  workerIsFull(): boolean
  /** Whether the client has yet to take what has come of the response. */
  clientIsFull(): boolean
  /** It goes no further: nothing has moved for too long, or too much has. An `HttpError` blames the client, any other error the worker. */
  expired(error: Error): void
}

/** What an exchange waits for, and what is said when that took too long. */
const SAYS = {
  connection: 'no connection',
  body: 'took no more of the body',
  head: 'no answer',
  rest: 'no more of the answer',
} as const

/**
 * Holds an exchange to its terms by one timer. It is armed at the start, for no longer than any limit that may come;
 * progress only notes the time, and when the timer fires, it looks for how long nothing has moved under the limit
 * that holds by now, and waits for the rest.
 */
export class Watchdog {
  readonly #watched: Watched
  readonly #terms: Terms
  /** How long the worker may take to answer once it has the request, in ms. */
  readonly #answer: number
  /** No limit is shorter, save what is left until the answer must have begun. */
  readonly #shortest: number
  #waitingFor: keyof typeof SAYS = 'connection'
  #since = performance.now()
  /** When the answer must have begun. */
  #until: number
  /** How much of the time for the answer was left when the body began, in ms. */
  #left = 0
  /** How much of the body has come, in bytes. */
  #length = 0
  /** Undefined once it is over. */
  #timer: NodeJS.Timeout | undefined

  constructor(watched: Watched, terms: Terms, answer: number = terms.timeouts.response) {
    const { idle, body } = terms.timeouts
    this.#watched = watched
    this.#terms = terms
    this.#answer = answer
    this.#shortest = Math.min(answer, idle, body)
    this.#until = terms.until
    this.#arm(this.#until - this.#since)
  }

  /** Something moved. */
  moved(): void {
    this.#since = performance.now()
  }

  /** A connection stands. While a body is under way, the time for the answer stands still. */
  connected(hasBody: boolean): void {
    this.#since = performance.now()
    this.#left = this.#until - this.#since
    this.#waitingFor = hasBody ? 'body' : 'head'
  }

  /** So many bytes more of the body have come. */
  uploaded(bytes: number): void {
    this.moved()
    this.#length += bytes
    const { body } = this.#terms.limits
    if (this.#length <= body) return
    this.stop()
    this.#watched.expired(new ContentTooLargeError(body))
  }

  /** The body is with the worker. */
  sent(): void {
    if (this.#waitingFor !== 'body' || !this.#timer) return
    this.#since = performance.now()
    this.#until = this.#since + this.#left
    this.#waitingFor = 'head'
    if (this.#left < this.#shortest) this.#arm(this.#left)
  }

  /** The response has begun. Events may be as far apart as they like. */
  answered(contentType: string | string[] | undefined): void {
    this.#since = performance.now()
    this.#waitingFor = 'rest'
    if (typeof contentType === 'string' && /^text\/event-stream\b/i.test(contentType)) this.stop()
  }

  /** There is nothing more to wait for, or nobody who waits. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(rest: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(Watchdog.#look, Math.min(rest, this.#shortest), this)
  }

  /** What is due is believed only after a turn of the event loop: what came while it was blocked is seen by then. */
  static #look(this: void, dog: Watchdog): void {
    const rest = dog.#rest()
    if (rest > 0) dog.#arm(rest)
    else setImmediate(Watchdog.#lookAgain, dog)
  }

  static #lookAgain(this: void, dog: Watchdog): void {
    if (!dog.#timer) return
    const rest = dog.#rest()
    if (rest > 0) return dog.#arm(rest)
    dog.stop()
    dog.#watched.expired(dog.#error())
  }

  #rest(): number {
    return this.#since + this.#limit() - performance.now()
  }

  #limit(): number {
    const { response, body, idle } = this.#terms.timeouts
    if (this.#waitingFor === 'rest') return this.#watched.clientIsFull() ? Infinity : idle
    if (this.#waitingFor === 'body') return this.#watched.workerIsFull() ? response : body
    const left = this.#until - this.#since
    return this.#waitingFor === 'head' ? Math.min(this.#answer, left) : left
  }

  #error(): Error {
    if (this.#waitingFor === 'body' && !this.#watched.workerIsFull()) return new RequestTimeoutError()
    return timedOut(SAYS[this.#waitingFor], this.#limit())
  }
}
