import type { IncomingMessage } from 'node:http'

/** How much of a body that nobody wants is read, in bytes, and for how long, in ms. */
const LIMIT = 64 * 1024
const PATIENCE = 1000

/**
 * The body of an answer that is not passed on: it is read, so that its connection can be used again, unless that
 * costs more than a new connection. Then `giveUp` is called.
 */
export class Leftover {
  readonly #giveUp: () => void
  readonly #timer: NodeJS.Timeout
  #length = 0

  constructor(giveUp: () => void) {
    this.#giveUp = giveUp
    this.#timer = setTimeout(giveUp, PATIENCE).unref()
  }

  read(chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#length > LIMIT) this.#giveUp()
  }

  /** There is no more of it. */
  end(): void {
    clearTimeout(this.#timer)
  }
}

/** Reads a response to nowhere. */
export function discard(response: IncomingMessage): void {
  const leftover = new Leftover(() => response.destroy())
  response.on('data', (chunk: Buffer) => leftover.read(chunk)).once('end', () => leftover.end())
}
