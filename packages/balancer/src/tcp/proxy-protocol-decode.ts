import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { crc32c } from './proxy-protocol-crc32c.ts'
import { SIGNATURE_V2, type Endpoints } from './proxy-protocol.ts'

/** A header that is whole. */
export interface ProxyHeader {
  /** How many bytes it has: the next one is the payload's. */
  readonly length: number
  /** The ends of the connection that it tells of; undefined where the connection's own hold. */
  readonly ends: Endpoints | undefined
}

/** The longest line of version 1, with its end (proxy-protocol.txt, 2.1). */
const LONGEST_V1 = 107

/** The longest header of version 2 that is taken, in bytes: addresses need no more than 232, the rest is for TLVs. */
const LONGEST_V2 = 4096

const PREFIX_V1 = Buffer.from('PROXY ', 'latin1')
const TCP_V1 = /^PROXY (TCP4|TCP6) ([\da-f.:]+) ([\da-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/i

/** The sizes of two addresses with their ports, by address family: UNSPEC, INET, INET6 and UNIX. */
const ADDRESSES = [0, 12, 36, 216] as const

const CRC32C = 0x03

/**
 * Reads the header that `bytes`, the first that came on a connection, must begin with. Says `partial` while they may
 * become one, and `malformed` once they cannot: at the first byte, where they begin otherwise. Never reads beyond the
 * header.
 *
 * The connection's own ends hold for `UNKNOWN`, for the command LOCAL and for what is not TCP over IP. TLVs are skipped,
 * but must fit, and a CRC32C that is among them must be right (2.2.3).
 */
export function decodeProxy(bytes: Buffer): ProxyHeader | 'partial' | 'malformed' {
  if (begins(bytes, PREFIX_V1)) return decodeV1(bytes)
  return begins(bytes, SIGNATURE_V2) ? decodeV2(bytes) : 'malformed'
}

/** Whether `bytes` have the prefix, or may once more have come. */
function begins(bytes: Buffer, prefix: Buffer): boolean {
  const length = Math.min(bytes.length, prefix.length)
  return bytes.compare(prefix, 0, length, 0, length) === 0
}

function decodeV1(bytes: Buffer): ProxyHeader | 'partial' | 'malformed' {
  const text = bytes.toString('latin1', 0, LONGEST_V1)
  const end = text.indexOf('\r\n')
  if (end < 0) return text.length < LONGEST_V1 ? 'partial' : 'malformed'
  const line = text.slice(0, end)
  const length = end + 2
  if (/^PROXY UNKNOWN($| )/.test(line)) return { length, ends: undefined }
  const [, family, from = '', to = '', fromPort, toPort] = TCP_V1.exec(line) ?? []
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6
  const ports = [Number(fromPort), Number(toPort)] as const
  if (!isAddress(from) || !isAddress(to) || !ports.every((port) => port <= 65_535)) return 'malformed'
  const source = { address: canonical(from), port: ports[0] }
  return { length, ends: { source, destination: { address: canonical(to), port: ports[1] } } }
}

function decodeV2(bytes: Buffer): ProxyHeader | 'partial' | 'malformed' {
  const [command, family = 0] = bytes.subarray(12, 14)
  const isLocal = command === 0x20
  if (command !== undefined && command !== 0x21 && !isLocal) return 'malformed'
  if (!isLocal && (family >> 4 >= ADDRESSES.length || (family & 0xf) > 2)) return 'malformed'
  if (bytes.length < 16) return 'partial'
  const length = 16 + bytes.readUInt16BE(14)
  const hasAddresses = !isLocal && (family & 0xf) > 0
  const tlvs = hasAddresses ? 16 + (ADDRESSES[family >> 4] ?? 0) : 16
  if (length > LONGEST_V2 || length < tlvs) return 'malformed'
  if (bytes.length < length) return 'partial'
  if (tlvs > 16 && !isSound(bytes.subarray(0, length), tlvs)) return 'malformed'
  if (!hasAddresses || (family !== 0x11 && family !== 0x21)) return { length, ends: undefined }
  const read = family === 0x11 ? readIPv4 : readIPv6
  const ports = tlvs - 4
  const source = { address: read(bytes, 16), port: bytes.readUInt16BE(ports) }
  const destination = { address: read(bytes, 16 + (ports - 16) / 2), port: bytes.readUInt16BE(ports + 2) }
  return { length, ends: { source, destination } }
}

/** Whether the TLVs from `offset` on fill the header, and a CRC32C among them is that of the header without it (2.2.3). */
function isSound(header: Buffer, offset: number): boolean {
  let at = offset
  while (at + 3 <= header.length) {
    const value = at + 3
    const size = header.readUInt16BE(at + 1)
    if (value + size > header.length) return false
    if (header[at] === CRC32C) {
      if (size !== 4) return false
      const cleared = Buffer.from(header).fill(0, value, value + 4)
      if (crc32c(cleared) !== header.readUInt32BE(value)) return false
    }
    at = value + size
  }
  return at === header.length
}

function readIPv4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

function readIPv6(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16))
  return canonical(groups.join(':'))
}

/** An IP address as Node's sockets write it. */
function canonical(address: string): string {
  return isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address
}
