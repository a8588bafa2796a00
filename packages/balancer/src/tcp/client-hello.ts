/** What a TLS client says first and in clear, as far as it tells where it wants to go. */
export interface ClientHello {
  /** The name of the server it wants (RFC 6066, 3): in lower case, without a dot at its end; undefined where it names none. */
  readonly serverName: string | undefined
  /** The protocols it would speak (ALPN, RFC 7301), the dearest first, such as `h2`; none where it does not say. */
  readonly protocols: readonly string[]
}

/** Alerts' descriptions (RFC 8446, 6; RFC 6066, 3). */
export const ALERT = {
  unexpectedMessage: 10,
  recordOverflow: 22,
  illegalParameter: 47,
  decodeError: 50,
  unrecognizedName: 112,
} as const

/** Why there is no hello in what a client has sent. */
export class HelloError extends Error {
  override readonly name = 'HelloError'
  readonly kind: 'hello-malformed' | 'hello-too-large'
  /** The alert to answer with; undefined where the client does not speak TLS. */
  readonly alert: number | undefined

  constructor(message: string, alert?: number, kind: HelloError['kind'] = 'hello-malformed') {
    super(message)
    this.kind = kind
    this.alert = alert
  }
}

/** The longest hello that is read, in bytes, with the headers of its records. */
const LIMIT = 65_536

const RECORD_HEADER = 5
const LONGEST_RECORD = 16_384
const MESSAGE_HEADER = 4
const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const HOST_NAME = 0
const PROTOCOLS = 16

/**
 * Reads a ClientHello (RFC 8446, 4.1.2) from bytes as they come: in parts of any size, over any number of records, of
 * 64 KiB at the most. Only what leads to the name is looked at; all else is for who ends the TLS.
 */
export class ClientHelloReader {
  readonly #raw = new Gathered()
  readonly #message = new Gathered()
  /** How many of the bytes have been looked at. */
  #at = 0
  /** How many are still to come of the record that has begun. */
  #left = 0

  /** All that has come, be it part of the hello or not. */
  get bytes(): Buffer {
    return this.#raw.bytes
  }

  /**
   * Takes what has come; returns the hello once it is whole.
   * @throws HelloError as soon as it cannot become one.
   */
  push(chunk: Buffer): ClientHello | undefined {
    this.#raw.append(chunk)
    const { bytes } = this.#raw
    while (this.#at < bytes.length) {
      if (this.#left === 0) {
        const length = recordLength(bytes.subarray(this.#at), this.#at === 0)
        if (length === undefined) break
        this.#at += RECORD_HEADER
        this.#left = length
      }
      const end = Math.min(bytes.length, this.#at + this.#left)
      this.#message.append(bytes.subarray(this.#at, end))
      this.#left -= end - this.#at
      this.#at = end
      const hello = parseMessage(this.#message.bytes)
      if (hello) return hello
    }
    if (bytes.length > LIMIT) throw tooLarge(bytes.length)
    return undefined
  }
}

/** Bytes that come in parts and are kept in one piece, since each part would cost the memory of a Buffer. */
class Gathered {
  #bytes: Buffer = Buffer.alloc(0)
  #size = 0

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  append(chunk: Buffer): void {
    const size = this.#size + chunk.length
    if (this.#size === 0) this.#bytes = chunk
    else {
      if (size > this.#bytes.length) {
        const larger = Buffer.allocUnsafeSlow(size * 2)
        this.#bytes.copy(larger, 0, 0, this.#size)
        this.#bytes = larger
      }
      chunk.copy(this.#bytes, this.#size)
    }
    this.#size = size
  }
}

/** The length of the record that begins here (RFC 8446, 5.1); undefined until its header is whole. */
function recordLength(bytes: Buffer, isFirst: boolean): number | undefined {
  const [type, major] = bytes
  const isTls = type === HANDSHAKE && (major === undefined || major === 3)
  if (!isTls) throw new HelloError('this is no TLS handshake', isFirst ? undefined : ALERT.unexpectedMessage)
  if (bytes.length < RECORD_HEADER) return undefined
  const length = bytes.readUInt16BE(3)
  if (length > LONGEST_RECORD) throw new HelloError(`a record of ${length} bytes`, ALERT.recordOverflow)
  if (length === 0) throw new HelloError('an empty record', ALERT.unexpectedMessage)
  return length
}

/** The hello in a handshake message; undefined until it is whole. */
function parseMessage(message: Buffer): ClientHello | undefined {
  if (message.length === 0) return undefined
  if (message[0] !== CLIENT_HELLO)
    throw new HelloError(`a message of type ${message[0]}`, ALERT.unexpectedMessage)
  if (message.length < MESSAGE_HEADER) return undefined
  const end = MESSAGE_HEADER + message.readUIntBE(1, 3)
  if (end > LIMIT) throw tooLarge(end)
  return message.length < end ? undefined : parseHello(new Reader(message.subarray(MESSAGE_HEADER, end)))
}

/** RFC 8446, 4.1.2. Before TLS 1.3, a hello may have no extensions (RFC 5246, 7.4.1.2). */
function parseHello(hello: Reader): ClientHello {
  let serverName: string | undefined
  let protocols: string[] | undefined
  hello.bytes(2 + 32) // version, random
  hello.vector(1, 0, 32) // session id
  hello.vector(2, 2) // cipher suites
  hello.vector(1, 1) // compression methods
  const extensions = hello.isAtEnd ? hello : hello.vector(2)
  while (!extensions.isAtEnd) {
    const type = extensions.number(2)
    const data = extensions.vector(2)
    if (type === SERVER_NAME) serverName = once(serverName, parseServerName(data))
    else if (type === PROTOCOLS) protocols = once(protocols, parseProtocols(data))
  }
  hello.end()
  return { serverName, protocols: protocols ?? [] }
}

/** Of two, a worker might take the one and we the other. */
function once<T>(before: T | undefined, value: T): T {
  if (before !== undefined) throw new HelloError('an extension comes twice', ALERT.illegalParameter)
  return value
}

/** RFC 6066, 3. There are no names but those of hosts, and of these it may have one. */
function parseServerName(data: Reader): string {
  const list = data.vector(2, 1)
  data.end()
  if (list.number(1) !== HOST_NAME) throw new HelloError('a name that is no host', ALERT.decodeError)
  const name = list.vector(2, 1).rest().toString('latin1')
  list.end()
  if (!/^[\x21-\x7e]{1,255}$/.test(name))
    throw new HelloError(`the name ${JSON.stringify(name)}`, ALERT.illegalParameter)
  return name.toLowerCase().replace(/\.$/, '')
}

/** RFC 7301, 3.1. */
function parseProtocols(data: Reader): string[] {
  const list = data.vector(2, 2)
  data.end()
  const protocols = []
  while (!list.isAtEnd) protocols.push(list.vector(1, 1).rest().toString('latin1'))
  return protocols
}

function tooLarge(length: number): HelloError {
  return new HelloError(`a hello of ${length} bytes`, ALERT.decodeError, 'hello-too-large')
}

/** Reads the presentation language of TLS (RFC 8446, 3). All throw HelloError where bytes are missing. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  bytes(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new HelloError('bytes are missing', ALERT.decodeError)
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  rest(): Buffer {
    return this.bytes(this.#bytes.length - this.#at)
  }

  number(width: number): number {
    return this.bytes(width).readUIntBE(0, width)
  }

  /** What follows its own length, a number of `width` bytes. */
  vector(width: number, min = 0, max = Infinity): Reader {
    const length = this.number(width)
    if (length < min || length > max) throw new HelloError(`${length} bytes`, ALERT.decodeError)
    return new Reader(this.bytes(length))
  }

  end(): void {
    if (!this.isAtEnd) throw new HelloError('bytes are left over', ALERT.decodeError)
  }
}
