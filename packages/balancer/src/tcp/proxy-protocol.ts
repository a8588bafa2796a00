import { isIPv4, isIPv6 } from 'node:net'

/** The versions of the PROXY protocol: a line of text, or bytes. */
export type ProxyVersion = 'v1' | 'v2'

/** An address and its port, as sockets have them; undefined where a socket has none, as one of the Unix domain. */
export interface Endpoint {
  readonly address: string | undefined
  readonly port: number | undefined
}

/** The two ends of a connection: who opened it, and where to. */
export interface Endpoints {
  readonly source: Endpoint
  readonly destination: Endpoint
}

/** What each header of version 2 begins with (proxy-protocol.txt, 2.2). */
export const SIGNATURE_V2: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** The header of a connection of the sender's own making, such as a probe: version 2, command LOCAL, no addresses. */
export const LOCAL_V2: Buffer = Buffer.from([...SIGNATURE_V2, 0x20, 0x00, 0, 0])

const UNKNOWN_V1 = Buffer.from('PROXY UNKNOWN\r\n', 'latin1')

/**
 * The header that tells a connection's ends (proxy-protocol.txt, 2.1 and 2.2). An IPv4 address that is mapped into IPv6
 * is told as IPv4, unless the other end has an IPv6 address: then both are told as IPv6. Where an end has no IP address
 * it is `PROXY UNKNOWN` or, in version 2, LOCAL.
 */
export function encodeProxy(version: ProxyVersion, { source, destination }: Endpoints): Buffer {
  const from = plain(source.address)
  const to = plain(destination.address)
  const { port: fromPort } = source
  const { port: toPort } = destination
  if (from === undefined || to === undefined || fromPort === undefined || toPort === undefined)
    return version === 'v1' ? UNKNOWN_V1 : LOCAL_V2
  const isIPv4Only = isIPv4(from) && isIPv4(to)
  const write = isIPv4Only ? String : toIPv6
  if (version === 'v1') {
    const family = isIPv4Only ? 'TCP4' : 'TCP6'
    return Buffer.from(`PROXY ${family} ${write(from)} ${write(to)} ${fromPort} ${toPort}\r\n`, 'latin1')
  }
  const addresses = [...toBytes(write(from)), ...toBytes(write(to))]
  const block = [...addresses, fromPort >> 8, fromPort & 0xff, toPort >> 8, toPort & 0xff]
  return Buffer.from([...SIGNATURE_V2, 0x21, isIPv4Only ? 0x11 : 0x21, 0, block.length, ...block])
}

/** An IP address without its zone, and as IPv4 where it is that, mapped into IPv6. */
function plain(address = ''): string | undefined {
  const [ip = ''] = address.split('%')
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1]
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  return isIPv4(ip) || isIPv6(ip) ? ip : undefined
}

/** An IP address as IPv6, in hexadecimal groups alone (2.1 knows no dots in an IPv6 address). */
function toIPv6(address: string): string {
  return new URL(`http://[${isIPv4(address) ? `::ffff:${address}` : address}]`).hostname.slice(1, -1)
}

/** The bytes of an IPv4 address, or of an IPv6 address of hexadecimal groups. */
function toBytes(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number)
  const [head = [], tail = []] = address.split('::').map((side) => (side === '' ? [] : side.split(':')))
  const zeros = Array<string>(8 - head.length - tail.length).fill('0')
  return [...head, ...zeros, ...tail].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
