import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Watchdog } from './watchdog.ts'

/** The body of a request on its way: held back until a connection stands, so that a refused one costs nothing of it. */
export class Upload {
  /** What the worker's side reads. Not the request itself, which some would take the socket away from. */
  readonly stream: PassThrough
  readonly #req: IncomingMessage
  readonly #watchdog: Watchdog
  #begun = false

  constructor(req: IncomingMessage, watchdog: Watchdog) {
    this.#req = req
    this.#watchdog = watchdog
    this.stream = new PassThrough().on('error', () => {}) // what is written after an abort is nobody's error
  }

  /** Whether something of it waits for the worker, and not for the client. */
  get isFull(): boolean {
    return this.stream.isPaused() || this.stream.readableLength > 0
  }

  begin(): void {
    this.#begun = true
    this.#req.pipe(this.stream)
    this.#req.on('data', this.#moved)
    this.stream.on('drain', this.#moved).once('end', () => this.#watchdog.sent())
  }

  /** What is left of it is read to nowhere, so that the client's connection can go on. Nothing is, if it never began. */
  end(): void {
    if (!this.#begun) return
    this.#req.off('data', this.#moved)
    this.#req.unpipe(this.stream)
    this.#req.resume()
  }

  readonly #moved = (): void => this.#watchdog.moved()
}
