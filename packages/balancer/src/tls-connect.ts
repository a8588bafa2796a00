import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  type ConnectionOptions,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls'
import type { Tls } from './tls.ts'
import type { Worker } from './worker.ts'

/** Told once that a connection stands, its handshake over and its certificate verified, or why none does. */
export type Connected = (error: Error | null, socket: TLSSocket) => void

/** Of each worker the session of the last connection, to be resumed under the same settings alone. */
const sessions = new WeakMap<Worker, { readonly tls: Tls; readonly session: Buffer }>()

/** How the connection is to be beneath its TLS. */
export interface ConnectOptions {
  readonly noDelay?: boolean
  /** After how long TCP asks an idle peer whether it is still there, in ms. */
  readonly keepAlive?: number
  readonly localAddress?: string
  readonly signal?: AbortSignal
  /** A connection to the worker that stands, for TLS to begin on it; then what else is said here of the one beneath does not count. */
  readonly socket?: Socket
  /** Whether the last session may be resumed; if not, the certificate is shown and verified anew. Default true. */
  readonly resumes?: boolean
}

/**
 * Begins a connection to a worker by TLS. Until `done` has it nothing may be written to it. Errors after that say what
 * TLS finds wrong, where it is that: a worker of TLS 1.3 refuses the balancer's certificate only then (RFC 8446, 4.4.2.4).
 */
export function connectTls(
  worker: Worker,
  tls: Tls,
  { noDelay, keepAlive, resumes = true, ...options }: ConnectOptions,
  done: Connected,
): TLSSocket {
  const name = tls.servername ?? worker.hostname
  const known = resumes ? sessions.get(worker) : undefined
  const settings: ConnectionOptions = {
    ...options,
    host: worker.hostname,
    port: worker.port,
    secureContext: tls.context,
    rejectUnauthorized: tls.verify,
    checkServerIdentity: (_host, certificate) => checkIdentity(name, certificate),
    servername: isIP(name) ? '' : name.replace(/\.$/, ''), // RFC 6066, 3: no address, and no dot behind a name
    ...(!worker.isTcp && { ALPNProtocols: ['http/1.1'] }),
    ...(known?.tls === tls && { session: known.session }),
  }
  const socket = connect(settings)
  let isTcp = options.socket !== undefined
  let isOpen = false
  let waiting: Connected | undefined = done // not held longer: it may know of the request that it was made for

  function tell(error: Error | null): void {
    const told = waiting
    waiting = undefined
    told?.(error, socket)
  }

  socket.once('connect', () => {
    isTcp = true
    if (noDelay) socket.setNoDelay(true)
    if (keepAlive !== undefined) socket.setKeepAlive(true, keepAlive)
  })
  socket.once('secureConnect', () => {
    isOpen = true
    tell(null)
  })
  socket.on('session', (session) => {
    if (isOpen && resumes) sessions.set(worker, { tls, session })
  })
  socket.on('error', (error: NodeJS.ErrnoException & { reason?: string }) => {
    if (isOpen && error.reason !== undefined) error.message = `TLS: ${error.reason}`
    tell(isTcp && error.code !== 'ETIMEDOUT' ? failed(name, error) : error)
  })
  socket.once('close', () => tell(new Error('the connection was closed before it stood')))
  return socket
}

/** Node takes a common name for that of a host where a certificate has no other, which anybody may have (RFC 9525, 2). */
function checkIdentity(name: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname !== undefined) return checkServerIdentity(name, certificate)
  const why = 'the certificate has no subjectAltName that names a host; have it made anew with one'
  return Object.assign(new Error(why), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
}

/** Why a handshake went wrong, in words. The error that it was is the cause; its code would mean something to undici. */
function failed(name: string, cause: NodeJS.ErrnoException & { reason?: string }): Error {
  const { code = '', reason = cause.message } = cause
  const isGarbled = /_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE)$/.test(code)
  const hint = isGarbled ? '; does it speak TLS at all?' : ''
  return new Error(`TLS handshake with "${name}" failed: ${reason}${code && ` (${code})`}${hint}`, { cause })
}
