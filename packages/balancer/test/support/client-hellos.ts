import { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'

/** What a hello shall say; what is not given is as an ordinary client has it. */
export interface HelloOptions {
  /** The name, byte by byte where it is a Buffer; none without it. */
  readonly name?: string | Buffer
  readonly protocols?: readonly string[]
  /** Extensions behind these two: type and data. */
  readonly extensions?: readonly (readonly [number, Buffer])[]
  /** Stands for the session id, as it is on the wire. */
  readonly session?: Buffer
  /** Stands for the cipher suites, as they are on the wire. */
  readonly suites?: Buffer
}

/** Bytes behind their own length, a number of `width` bytes. */
export function vector(width: number, ...parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(parts)
  const length = Buffer.alloc(width)
  length.writeUIntBE(bytes.length, 0, width)
  return Buffer.concat([length, bytes])
}

export function extension(type: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type >> 8, type & 255), vector(2, data)])
}

/** The data of a server_name extension (RFC 6066, 3). */
export function serverName(...names: readonly (string | Buffer)[]): Buffer {
  return vector(
    2,
    ...names.map((name) => Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name as Buffer))])),
  )
}

/** A ClientHello (RFC 8446, 4.1.2) as a handshake message. */
export function helloMessage({ name, protocols, extensions = [], session, suites }: HelloOptions): Buffer {
  const all = [
    ...(name === undefined ? [] : [extension(0, serverName(name))]),
    ...(protocols ? [extension(16, vector(2, ...protocols.map((one) => vector(1, Buffer.from(one)))))] : []),
    ...extensions.map(([type, data]) => extension(type, data)),
  ]
  return handshake(
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    session ?? vector(1, Buffer.alloc(32, 1)),
    suites ?? vector(2, Buffer.of(0x13, 0x01)),
    vector(1, Buffer.of(0)),
    vector(2, ...all),
  )
}

/** A handshake message of type ClientHello with this for its body. */
export function handshake(...body: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(1), vector(3, ...body)])
}

/** A message in records of `size` bytes. */
export function records(message: Buffer, size = 16_384): Buffer {
  const parts = []
  for (let at = 0; at < message.length; at += size)
    parts.push(Buffer.of(22, 3, 1), vector(2, message.subarray(at, at + size)))
  return Buffer.concat(parts)
}

/** A hello as it is on the wire. */
export function helloOf(options: HelloOptions = {}): Buffer {
  return records(helloMessage(options))
}

/** Bytes one by one. */
export function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.of(byte))
}

/** The hello of a client of Node's with these options. */
export function nodeHello(options: ConnectionOptions): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const socket = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, done) => {
      resolve(chunk)
      done()
    },
  })
  connect({ ...options, socket }).on('error', () => {})
  return promise
}

/** A hello in one record, as what comes before its extensions and these. */
export function takeApart(hello: Buffer): { front: Buffer; extensions: (readonly [number, Buffer])[] } {
  let at = 5 + 4 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  const front = hello.subarray(5 + 4, at)
  const extensions = []
  for (at += 2; at < hello.length; at += 4 + hello.readUInt16BE(at + 2))
    extensions.push([
      hello.readUInt16BE(at),
      hello.subarray(at + 4, at + 4 + hello.readUInt16BE(at + 2)),
    ] as const)
  return { front, extensions }
}

/** The contrary of `takeApart`. */
export function putTogether(front: Buffer, extensions: readonly (readonly [number, Buffer])[]): Buffer {
  return records(handshake(front, vector(2, ...extensions.map((one) => extension(...one)))))
}
