import { constants, randomBytes } from 'node:crypto'
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
} from 'node:tls'
import type { Certificate } from './config/certificates.ts'
import type { ListenTls } from './config/config.ts'

/** How long a handshake may take, in ms. */
const HANDSHAKE = 10_000

/**
 * What makes connections secure: a server that does not listen, and is given connections by `connection` events.
 * Sessions are resumed by the same server only, and by those of other processes that were given the same `tickets`: a
 * session of an earlier server, which asked for no certificate or for one of another authority, would let its client pass.
 * No connection of TLS 1.2 is negotiated anew: who a client is was looked at when its handshake was over.
 * `protocols` are what clients may choose from by ALPN; where there are none, there is no choice.
 * @throws Error for what OpenSSL does not take.
 */
export function createTlsServer(tls: ListenTls, protocols: readonly string[]): Server {
  const contextFor = contexts(tls)
  return createServer({
    ...optionsOf(tls.certificates[0] as Certificate, tls),
    requestCert: tls.clients !== undefined,
    rejectUnauthorized: false, // left to the door, which can say in the log who was refused, and why
    handshakeTimeout: HANDSHAKE,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
    sessionIdContext: tls.tickets?.context ?? randomBytes(16).toString('hex'),
    ...(tls.tickets && { ticketKeys: tls.tickets.keys }),
    SNICallback: (name, done) => done(null, contextFor(name)),
  })
}

/**
 * The context for a name that a client asks for: exact before wildcard, of any case; undefined for none. The first
 * certificate with a name is for it: of a context that is chosen by name, Node takes one certificate only.
 */
function contexts(tls: ListenTls): (name: string) => SecureContext | undefined {
  const made = new Map<string, SecureContext>()
  for (const certificate of tls.certificates) {
    const context = createSecureContext(optionsOf(certificate, tls))
    for (const name of certificate.names) if (!made.has(name)) made.set(name, context)
  }
  return (asked) => {
    const name = asked.toLowerCase()
    return made.get(name) ?? made.get(name.replace(/^[^.]+/, '*'))
  }
}

function optionsOf(
  { cert, key, passphrase }: Certificate,
  { minVersion, clients }: ListenTls,
): SecureContextOptions {
  return {
    cert,
    key,
    ...(passphrase !== undefined && { passphrase }),
    minVersion,
    ...(clients && { ca: clients.ca }),
  }
}
