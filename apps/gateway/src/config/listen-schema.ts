import { z } from 'zod'
import { flag, onOff, text } from './scalars.ts'

const PORT = 'is not a port; give a whole number from 0 to 65535'
const TARGET = 'is not a port; give that of the listener with tls, as 443'

const FILE = 'is no file; name a PEM file'
const file = z.string(FILE).min(1, FILE)
const HOST = 'is no host; give an address of this machine, as "127.0.0.1" or "::1"'
const MIN_VERSION = 'is no version; use "1.2" or "1.3"'

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

const listenerTls = z
  .strictObject({
    cert: pairFields.cert.optional(),
    key: pairFields.key.optional(),
    passphrase: pairFields.passphrase,
    certificates: z
      .array(certificate, 'is no list; write it as [{cert: cert.pem, key: key.pem}]')
      .min(1, 'is no list of certificates; write it as [{cert: cert.pem, key: key.pem}]')
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

const listener = z.strictObject({
  port: z.int(PORT).min(0, PORT).max(65_535, PORT).describe('0 is any free one'),
  host: z
    .string(HOST)
    .regex(/^([^\s/[\]]+|\[[\da-f:.]+\])$/i, HOST)
    .optional()
    .describe('Default every address of the machine'),
  tls: listenerTls.optional(),
  redirect: z
    .int(TARGET)
    .min(1, TARGET)
    .max(65_535, TARGET)
    .optional()
    .describe('Sends all to https, at this port'),
})

const ADDRESS =
  'is no address; write it as 8080, "127.0.0.1:8080", "[::1]:8080" or {port: 443, tls: {cert: cert.pem, key: key.pem}}'
const LISTEN = `${ADDRESS}, or as a list of them`

export const listen = z
  .union(
    [
      z.int(),
      z.string(),
      listener,
      z.array(z.union([z.int(), z.string(), listener], ADDRESS)).min(1, LISTEN),
    ],
    LISTEN,
  )
  .describe('A port, host:port, an object, or a list of them; default 80')

const ADMIN =
  'is no address; write it as 8081, "127.0.0.1:8081", "[::1]:8081" or {port: 8081, tls: {cert: cert.pem, key: key.pem}}'

/** Nobody is sent on from there, and no worker asks who came. */
const adminListener = listener.omit({ redirect: true }).extend({
  tls: listenerTls
    .extend({ clients: clients.omit({ forward: true }).optional().describe('Certificates of clients') })
    .optional()
    .describe('Speaks https'),
})

/** Where the admin API listens. */
export const adminAddress = z.union([z.int(), z.string(), adminListener], ADMIN)

/** How the connections to workers over https are made. */
export const workerTls = z
  .strictObject({
    ca: file.optional().describe('A PEM file: who signs their certificates; default whom Node trusts'),
    servername: text.optional().describe('The name in their certificates; default the host of the URL'),
    cert: file.optional().describe('A PEM file: the certificate that is shown to them'),
    key: file.optional().describe('A PEM file: its private key'),
    passphrase: text.optional().describe('What the key is encrypted with, if it is'),
    verify: flag.optional().describe('Whether their certificates are verified; default true'),
  })
  .describe('For workers over https')

export type ListenerFile = z.output<typeof listener>
export type ListenerTlsFile = z.output<typeof listenerTls>
export type WorkerTlsFile = z.output<typeof workerTls>
