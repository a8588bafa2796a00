import { z } from 'zod'
import { flag, onOff, text } from './scalars.ts'

const FILE = 'is no file; name a PEM file'
const file = z.string(FILE).min(1, FILE)

const MIN_VERSION = 'is no version; use "1.2" or "1.3"'
const CERTIFICATES = 'is no list of certificates; write it as [{cert: cert.pem, key: key.pem}]'

/** A certificate and its key, as files. */
const pairFields = {
  cert: file.describe('A PEM file: the certificate, and those that it needs behind it'),
  key: file.describe('A PEM file: the private key of the certificate'),
  passphrase: text.optional().describe('What the key is encrypted with, if it is'),
}

const certificate = z.strictObject(
  pairFields,
  'is no certificate; write it as {cert: cert.pem, key: key.pem}',
)

const clients = z
  .strictObject({
    ca: file.describe('A PEM file: who signs the certificates of clients'),
    required: flag.optional().describe('Whether nobody may come without one; default true'),
    forward: onOff.optional().describe('Whether workers get Client-Cert (RFC 9440); default off'),
  })
  .describe('Certificates of clients; default none are asked for')

/** How a listener speaks https. */
export const listenerTls = z
  .strictObject({
    cert: pairFields.cert.optional(),
    key: pairFields.key.optional(),
    passphrase: pairFields.passphrase,
    certificates: z
      .array(certificate, CERTIFICATES)
      .min(1, CERTIFICATES)
      .optional()
      .describe('Several, by the names in them; the first is for who asks for none of these'),
    minVersion: z
      .literal(['1.2', '1.3', 1.2, 1.3], MIN_VERSION)
      .transform((version) => `${version}` as const)
      .optional()
      .describe('Of TLS; default 1.2'),
    clients: clients.optional(),
  })
  .describe('Speaks https')

/** How a listener speaks TLS whose clients no worker gets to know. */
export const ownTls = listenerTls
  .extend({ clients: clients.omit({ forward: true }).optional().describe('Certificates of clients') })
  .describe('Speaks TLS')

/** How the connections to workers over https are made. */
export const workerTls = z
  .strictObject({
    ca: file.optional().describe('A PEM file: who signs their certificates; default whom Node trusts'),
    servername: text.optional().describe('The name in their certificates; default the host of the URL'),
    cert: file.optional().describe('A PEM file: the certificate that is shown to them'),
    key: file.optional().describe('A PEM file: its private key'),
    passphrase: pairFields.passphrase,
    verify: flag.optional().describe('Whether their certificates are verified; default true'),
  })
  .describe('For workers over https')

export type ListenerTlsFile = z.output<typeof listenerTls>
export type WorkerTlsFile = z.output<typeof workerTls>
