import type { OnReadOpts, Socket } from 'node:net'

/** How much is read at a time, in bytes: little where little comes, since each connection has a buffer of its own for it. */
const SMALL = 2048
const LARGE = 65_536

/** Large buffers that nobody reads into: as many as are kept, and no more. */
const spare: Buffer[] = []
const SPARE = 64

/**
 * Brings a client what its worker's connection reads, by way of buffers that are used again: a new one for each read is
 * memory that only the garbage collector gives back, and costs a third of the throughput. As long as the client has not
 * taken what was read, no more is.
 */
export class Inlet {
  /** The worker's connection, once it stands. Written by the connection. */
  from: Socket | undefined
  readonly #to: Socket
  readonly #small = Buffer.allocUnsafe(SMALL)
  /** What is read into next. */
  #buffer: Buffer = this.#small
  /** What was read and is not yet taken. */
  #held: Buffer | undefined

  constructor(to: Socket) {
    this.#to = to
  }

  /** For `net.connect`. */
  get onread(): OnReadOpts {
    return { buffer: () => this.#buffer, callback: (length) => this.#read(length) }
  }

  /** Passes on what was read; false where the client must take it first. */
  #read(length: number): boolean {
    const buffer = this.#buffer
    this.#to.write(buffer.subarray(0, length), this.#taken)
    if (this.#to.writableLength > 0) this.#held = buffer
    const isMore = length === buffer.length && !this.#held
    this.#buffer = isMore ? this.#large(buffer) : this.#small
    if (!isMore && !this.#held) putBack(buffer)
    return this.#held === undefined
  }

  #large(buffer: Buffer): Buffer {
    return buffer.length === LARGE ? buffer : (spare.pop() ?? Buffer.allocUnsafeSlow(LARGE))
  }

  readonly #taken = (): void => {
    if (!this.#held || this.#to.writableLength > 0) return
    putBack(this.#held)
    this.#held = undefined
    this.from?.resume()
  }
}

function putBack(buffer: Buffer): void {
  if (buffer.length === LARGE && spare.length < SPARE) spare.push(buffer)
}
