import { constants, randomBytes } from 'node:crypto'
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls'
import type { Certificate } from './config/certificates.ts'
import type { ListenTls } from './config/config.ts'

/** How long a handshake may take, in ms. */
const HANDSHAKE = 10_000

/**
 * What makes connections secure: a server that does not listen, and is given connections by `connection` events.
 * No connection of TLS 1.2 is negotiated anew: who a client is was looked at when its handshake was over.
 * Sessions are not resumed from one such server to another: a ticket of before does not pass by who has to show a
 * certificate now.
 * @throws Error for what OpenSSL does not take.
 */
export function createTlsServer(tls: ListenTls): Server {
  const { certificates, minVersion, clients } = tls
  const contextFor = contexts(tls)
  return createServer({
    ...identityOf(certificates[0] as Certificate),
    minVersion,
    ...(clients && { ca: clients.ca }),
    requestCert: clients !== undefined,
    rejectUnauthorized: false, // by whom connections are taken, who can say to whom it was refused
    handshakeTimeout: HANDSHAKE,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ALPNProtocols: ['http/1.1'],
    sessionIdContext: randomBytes(16).toString('hex'),
    SNICallback: (name, done) => done(null, contextFor(name)),
  })
}

/**
 * The context for a name that a client asks for: exact before wildcard, of any case; undefined for none. The first
 * certificate with a name is for it: of a context that is chosen by name, Node takes one certificate only.
 */
function contexts({
  certificates,
  minVersion,
  clients,
}: ListenTls): (name: string) => SecureContext | undefined {
  const made = new Map<string, SecureContext>()
  for (const certificate of certificates) {
    const context = createSecureContext({
      ...identityOf(certificate),
      minVersion,
      ...(clients && { ca: clients.ca }),
    })
    for (const name of certificate.names) if (!made.has(name)) made.set(name, context)
  }
  return (asked) => {
    const name = asked.toLowerCase()
    return made.get(name) ?? made.get(name.replace(/^[^.]+/, '*'))
  }
}

function identityOf({ cert, key, passphrase }: Certificate): {
  cert: string
  key: string
  passphrase?: string
} {
  return { cert, key, ...(passphrase !== undefined && { passphrase }) }
}
