import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Trust } from '@rondo/balancer'
import { replaceHeaders } from './serve-route.ts'

/** The headers of RFC 9440, and what CGI and its like, which take `_` for `-`, would read as the same. */
const NAMES = [
  'client-cert',
  'client-cert-chain',
  'client_cert',
  'client_cert_chain',
  'client-cert_chain',
  'client_cert-chain',
]

/** The header's value by connection: made once, at the first request. */
const values = new WeakMap<Socket, string>()

/**
 * Says in `Client-Cert` who the client has shown to be, where `isTold` (RFC 9440). What it says itself there never goes
 * on, unless it is a trusted proxy: its word counts, and its own certificate is not the client's.
 */
export function tellCertificate(req: IncomingMessage, isTold: boolean, trust: Trust | undefined): void {
  const { socket, headers } = req
  const isSaid = NAMES.some((name) => headers[name] !== undefined)
  if (!isSaid && !isTold) return
  if (trust?.(socket.remoteAddress ?? '', 0)) return
  const value = isTold ? valueOf(socket) : undefined
  if (isSaid || value !== undefined)
    replaceHeaders(req, NAMES, value === undefined ? {} : { 'Client-Cert': value })
}

/** The certificate as a byte sequence of structured fields; undefined where there is none. */
function valueOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const known = values.get(socket)
  if (known !== undefined) return known
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (!certificate) return undefined
  const value = `:${certificate.raw.toString('base64')}:`
  values.set(socket, value)
  return value
}
