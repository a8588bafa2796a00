import type { Socket } from 'node:net'
import { reset } from '../forwarders/dial.ts'
import { Inlet } from './inlet.ts'
import type { Carrier, Outcome } from '../worker.ts'

/** How long a connection may be silent, in ms; 0 for ever. */
interface Silence {
  readonly idleTimeout: number
  readonly halfCloseTimeout: number
}

const CONNECTION: unique symbol = Symbol('rondo.connection')

/** What a socket has for the system; over TLS, another for the connection beneath. */
interface Beneath {
  readonly _handle?: { readonly writeQueueSize: number } | null
  readonly _parent?: (Socket & Beneath) | null
}

type Side = Socket & { [CONNECTION]?: TcpConnection }

/**
 * A client's connection and, once it stands, the worker's: bytes go both ways, with backpressure; who ends its side gets
 * what the other still has to say; a reset travels as a reset.
 */
export class TcpConnection implements Carrier {
  readonly client: Side
  readonly silence: Silence
  /** How the worker's bytes come in. */
  readonly inlet: Inlet
  /** The worker's connection, once it stands. */
  worker: Side | undefined
  /** How it came to its end, where that is not both sides' own. */
  outcome: Outcome | undefined
  #open = 0
  /** Bytes that the worker got before the client's, such as a header. */
  #preamble = 0
  #settle: ((outcome: Outcome) => void) | undefined

  constructor(client: Socket, silence: Silence) {
    this.client = client
    this.inlet = new Inlet(client)
    this.silence = silence
  }

  /** Bytes that have come from the worker. */
  get received(): number {
    return this.worker?.bytesRead ?? 0
  }

  /** Bytes for the worker, of the client's alone. */
  get sent(): number {
    return (this.worker?.bytesWritten ?? 0) - this.#preamble
  }

  /** Carries bytes both ways until both connections have closed; resolves with how that came. */
  join(worker: Socket): Promise<Outcome> {
    this.worker = worker
    this.inlet.from = worker
    this.#preamble = worker.bytesWritten
    for (const side of [this.client, this.worker]) {
      side[CONNECTION] = this
      this.#open++
      side.on('data', pass).on('drain', ready).on('end', ended).on('close', closed)
    }
    this.client.on('timeout', timedOut).setTimeout(this.silence.idleTimeout)
    if (this.client.readableEnded) ended.call(this.client) // it said no more than its end, before the worker was there
    return new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** The other of its two sides. */
  other(side: Side): Side {
    return side === this.client ? (this.worker as Side) : this.client
  }

  /** Cuts it, in a way that cannot be taken for an end. */
  destroy(): void {
    this.outcome ??= 'client-gone'
    reset(this.client)
    if (this.worker) reset(this.worker)
  }

  /** One of its sides has closed. */
  closed(): void {
    if (--this.#open === 0) this.#settle?.(this.outcome ?? 'closed')
  }
}

// Listeners that all connections share: closures for each would cost as much memory as its sockets.

function pass(this: Side, chunk: Buffer): void {
  if (!this[CONNECTION]?.other(this).write(chunk)) this.pause()
}

function ready(this: Side): void {
  this[CONNECTION]?.other(this).resume()
}

function ended(this: Side): void {
  const connection = this[CONNECTION] as TcpConnection
  if (isBroken(this)) {
    connection.outcome ??= this === connection.client ? 'client-gone' : 'failed'
    return connection.destroy()
  }
  connection.client.setTimeout(connection.silence.halfCloseTimeout)
  connection.other(this).end()
}

/**
 * Whether a TLS connection has ended as its TCP was reset: what TLS would still say, TCP has failed to take. Node shows
 * that as an end, and finishes no write ever after.
 */
function isBroken(side: Socket & Beneath): boolean {
  const { _handle: tls, _parent: below } = side
  const { _handle: tcp } = below ?? {}
  return tcp?.writeQueueSize === 0 && (tls?.writeQueueSize ?? 0) > 0
}

function timedOut(this: Side): void {
  // What came or could go while the event loop was blocked does so before the check phase.
  setImmediate(lookAgain, this, traceOf(this[CONNECTION] as TcpConnection))
}

/** Cuts a connection whose side has timed out, unless it has left a trace since. */
function lookAgain(side: Side, before: string): void {
  if (side.destroyed) return
  const connection = side[CONNECTION] as TcpConnection
  if (traceOf(connection) !== before) return void side.setTimeout(side.timeout ?? 0)
  connection.outcome ??= 'idle'
  connection.destroy()
}

/** Is another when bytes have come or gone, or an end has come. */
function traceOf({ client, worker }: TcpConnection): string {
  return `${sideTrace(client)} ${worker && sideTrace(worker)}`
}

function sideTrace(side: Socket & Beneath): string {
  const { bytesRead, bytesWritten, readableEnded, writableLength, _handle, _parent } = side
  const own = [bytesRead, bytesWritten, readableEnded, writableLength, _handle?.writeQueueSize].join()
  return _parent ? `${own} ${sideTrace(_parent)}` : own
}

function closed(this: Side): void {
  const connection = this[CONNECTION] as TcpConnection
  const isWhole = this.readableEnded && this.writableFinished && !this.errored
  if (!isWhole) {
    connection.outcome ??= this === connection.client ? 'client-gone' : 'failed'
    // What it said to its end is the other's; what it didn't, nobody shall take for whole.
    if (this.readableEnded) connection.other(this).destroySoon()
    else reset(connection.other(this))
  }
  if (this === connection.client) {
    const { worker, silence } = connection
    worker?.on('timeout', timedOut).setTimeout(silence.halfCloseTimeout) // for what it has not yet taken
  }
  connection.closed()
}
