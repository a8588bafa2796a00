import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Watchdog } from './watchdog.ts'

/** The body of a request on its way: held back until a connection stands, so that a refused one costs nothing of it. */
export class Upload {
  /** What the worker's side reads. Not the request itself, which some would take the socket away from. */
  readonly stream: PassThrough
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #watchdog: Watchdog
  #begun = false

  constructor(req: IncomingMessage, res: ServerResponse, watchdog: Watchdog) {
    this.#req = req
    this.#res = res
    this.#watchdog = watchdog
    this.stream = new PassThrough().on('error', () => {}) // what is written after an abort is nobody's error
  }

  /** Whether something of it waits for the worker, and not for the client. */
  get isFull(): boolean {
    return this.stream.isPaused() || this.stream.readableLength > 0
  }

  begin(): void {
    this.#begun = true
    if (isAwaited(this.#res)) this.#res.writeContinue()
    this.#req.pipe(this.stream)
    this.#req.on('data', this.#counted)
    this.stream.on('drain', this.#moved).once('end', () => this.#watchdog.sent())
  }

  /** What is left of it is read to nowhere, so that the client's connection can go on. Nothing is, if it never began. */
  end(): void {
    if (!this.#begun) return
    this.#req.off('data', this.#counted)
    this.#req.unpipe(this.stream)
    this.#req.resume()
  }

  readonly #counted = (chunk: Buffer): void => this.#watchdog.uploaded(chunk.length)
  readonly #moved = (): void => this.#watchdog.moved()
}

/**
 * Whether the client sends its body only when it is told to go on (RFC 9110, 10.1.1). Node's server has told it by now,
 * unless somebody listens for `checkContinue`; only Node's own marks say which.
 */
function isAwaited(res: ServerResponse & { _expect_continue?: boolean; _sent100?: boolean }): boolean {
  const { _expect_continue: expects, _sent100: isSent } = res
  return expects === true && isSent !== true
}
