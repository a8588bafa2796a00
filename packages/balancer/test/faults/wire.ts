import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** What goes wrong on a connection that stands. */
export type WireFault =
  /**
   * It breaks off, at a byte of its choice:
   * - `reset`: the connection is cut, by a TCP reset
   * - `end`: it ends its side, says nothing more, and reads on for as long as there is something
   * - `fall silent`: it says nothing more, and reads on
   * - `stop reading`: it says nothing more, and reads no more either, so that whoever writes to it gets stuck
   */
  | { readonly does: 'reset' | 'end' | 'fall silent' | 'stop reading'; readonly after: Place }
  /** It answers well, but slowly: so many bytes at a time, with a pause between, in ms. */
  | { readonly does: 'dribble'; readonly bytes: number; readonly pause: number }
  /** It says this in the place of an answer. A string is latin1. */
  | { readonly does: 'babble'; readonly answer: string | Buffer }

/**
 * Where it breaks off: once so many bytes of a request were read, or so many of an answer were written (`Infinity`:
 * behind it). What is shorter than that is answered well; `request: 0` is before anything was said.
 */
export type Place = { readonly request: number } | { readonly response: number }

/** A request as it came. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** Its head in latin1, without the empty line. */
  readonly head: string
  /** How many bytes of it were read so far, head and framing and all. */
  readonly bytes: number
}

/** What a connection is served with beside its fault. */
export interface Wire {
  readonly spared: readonly string[]
  readonly answer: (request: SeenRequest) => string | Buffer
  /** Where requests are noted. */
  readonly requests: SeenRequest[]
}

/** Serves one connection, with a fault. */
export function serve(socket: Socket, fault: WireFault, wire: Wire): void {
  new Connection(socket, fault, wire).begin()
}

type Growing = SeenRequest & { bytes: number }

class Connection {
  readonly #socket: Socket
  readonly #fault: WireFault
  readonly #wire: Wire
  /** It breaks off after so much of a request, or of an answer. */
  readonly #requestLimit: number = Infinity
  readonly #answerLimit: number | undefined
  /** What is read of the request that is under way, in latin1. */
  #text = ''
  #request: Growing | undefined
  /** Whether what comes is read to nowhere. */
  #isOver = false

  constructor(socket: Socket, fault: WireFault, wire: Wire) {
    this.#socket = socket
    this.#fault = fault
    this.#wire = wire
    if (!('after' in fault)) return
    if ('request' in fault.after) this.#requestLimit = fault.after.request
    else this.#answerLimit = fault.after.response
  }

  begin(): void {
    this.#socket.on('data', (data) => this.#read(data.toString('latin1')))
    this.#socket.once('end', () => this.#socket.end())
    if (this.#requestLimit === 0) this.#breakOff()
  }

  #read(text: string): void {
    if (this.#isOver) return
    this.#text += text
    while (this.#text !== '' && !this.#isOver) {
      const request = (this.#request ??= this.#seen())
      const length = request ? lengthOf(request.head, this.#text) : Infinity
      const bytes = Math.min(this.#text.length, length)
      if (request) request.bytes = bytes
      if (bytes >= this.#requestLimit && !this.#isSpared(request)) return this.#breakOff()
      if (!request || bytes < length) return
      this.#text = this.#text.slice(length)
      this.#request = undefined
      this.#answer(request)
    }
  }

  /** Notes a request whose head is there. */
  #seen(): Growing | undefined {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const head = this.#text.slice(0, end)
    const [method = '', path = ''] = head.split(' ', 2)
    const request = { method, path, head, bytes: 0 }
    this.#wire.requests.push(request)
    return request
  }

  #isSpared(request: SeenRequest | undefined): boolean {
    return request !== undefined && this.#wire.spared.includes(request.path)
  }

  #answer(request: SeenRequest): void {
    const socket = this.#socket
    const fault = this.#fault
    const whole = toBuffer(this.#wire.answer(request))
    if (whole.toString('latin1', 0, 12) === 'HTTP/1.1 101') this.#isOver = true
    if (this.#isSpared(request)) socket.write(whole)
    else if (fault.does === 'babble') socket.write(toBuffer(fault.answer))
    else if (fault.does === 'dribble') void dribble(socket, whole, fault)
    else if (this.#answerLimit === undefined) socket.write(whole)
    else writeSome(socket, whole.subarray(0, this.#answerLimit), () => this.#breakOff())
  }

  #breakOff(): void {
    this.#isOver = true
    if (this.#fault.does === 'reset') this.#socket.resetAndDestroy()
    else if (this.#fault.does === 'end') this.#socket.end()
    else if (this.#fault.does === 'stop reading') this.#socket.pause()
  }
}

function writeSome(socket: Socket, bytes: Buffer, written: () => void): void {
  if (bytes.length > 0) socket.write(bytes, written)
  else written()
}

async function dribble(socket: Socket, whole: Buffer, pace: { bytes: number; pause: number }): Promise<void> {
  const closed = new AbortController()
  const abort = (): void => closed.abort()
  socket.once('close', abort)
  for (let at = 0; at < whole.length && !socket.destroyed; at += pace.bytes) {
    socket.write(whole.subarray(at, at + pace.bytes))
    await pause(pace.pause, undefined, { signal: closed.signal }).catch(() => {})
  }
  socket.off('close', abort) // a kept connection sees many answers
}

function toBuffer(bytes: string | Buffer): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
}

/** How long a request with this head is, all in all; Infinity while its chunks do not say. `text` is what there is of it. */
function lengthOf(head: string, text: string): number {
  const begin = head.length + 4
  if (!/^transfer-encoding: *chunked *$/im.test(head))
    return begin + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  for (let at = begin; ;) {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return Infinity
    const size = Number.parseInt(text.slice(at, end), 16)
    if (!(size > 0)) {
      const last = text.indexOf('\r\n\r\n', end) // behind the trailers, if there are any
      return last < 0 ? Infinity : last + 4
    }
    at = end + 2 + size + 2
  }
}
