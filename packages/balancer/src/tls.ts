import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { OptionError } from './errors.ts'

/** How workers are spoken to whose URL begins with `https:`. Certificates and keys are PEM texts, as `node:tls` takes them. */
export interface TlsOptions {
  /** Who may have signed the workers' certificates. Default those that Node trusts; what is given takes their place. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  /** The name that is asked for (SNI, RFC 6066, 3) and that the certificates must have. Default the host of each worker's URL. */
  readonly servername?: string
  /** The balancer's own certificate for workers that demand one, with its chain; needs `key`. */
  readonly cert?: string | Buffer
  /** The key of `cert`. */
  readonly key?: string | Buffer
  /** What `key` is encrypted with. */
  readonly passphrase?: string
  /** Whether the workers' certificates are verified. Default true; without it anybody on the way can read and change all that is said. */
  readonly verify?: boolean
}

/** The same, checked and whole. It is another one when the options are others: connections are told apart by it. */
export interface Tls {
  readonly context: SecureContext
  readonly servername: string | undefined
  readonly verify: boolean
}

const NAMES = ['ca', 'servername', 'cert', 'key', 'passphrase', 'verify'] satisfies (keyof TlsOptions)[]
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END [^-]+-----/g
const MIN_VERSION = 'TLSv1.2'

/** Of all who give no options. Its context is made for the first connection: who has no such worker needs none. */
const USUAL: Tls = {
  get context() {
    return (usual ??= createSecureContext({ minVersion: MIN_VERSION }))
  },
  servername: undefined,
  verify: true,
}
let usual: SecureContext | undefined

/** @throws OptionError for what is no certificate, key or name, and for a key that is not the certificate's; no secret is in it. */
export function toTls(options?: TlsOptions): Tls {
  if (options === undefined) return USUAL
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new OptionError('tls', options, 'is no object; write it as { ca: "…" }')
  for (const name of Object.keys(options))
    if (!(NAMES as string[]).includes(name))
      throw new OptionError('tls', name, `is no option of it; use ${NAMES.join(', ')}`)
  const { ca, servername, cert, verify = true } = options
  if (typeof verify !== 'boolean') throw new OptionError('tls.verify', verify, 'is neither true nor false')
  if (servername !== undefined && !isName(servername))
    throw new OptionError('tls.servername', servername, 'is no name; write it as "worker.internal"')
  const authorities = ca === undefined ? undefined : [ca].flat()
  if (authorities?.length === 0)
    throw new OptionError('tls.ca', ca, 'names nobody; give at least one certificate, or leave it out')
  for (const one of authorities ?? []) certificates('tls.ca', one)
  const key = toKey(options)
  if (key && !certificates('tls.cert', cert)[0]?.checkPrivateKey(key))
    throw new OptionError('tls.key', HIDDEN, 'is not the key of tls.cert; give the one that it was made with')
  try {
    const secrets = key && { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) }
    const context = createSecureContext({
      minVersion: MIN_VERSION,
      ...(authorities && { ca: authorities }),
      ...(secrets as { cert: string; key: string } | undefined),
    })
    return { context, servername, verify }
  } catch (error) {
    throw new OptionError(cert ? 'tls.cert' : 'tls.ca', excerpt(cert ?? ca), `is refused: ${text(error)}`)
  }
}

/** Says aloud, by a warning of the process, that whoever is on the way to the workers may pose as one. */
export function warnOf({ verify }: Tls): void {
  if (verify) return
  process.emitWarning(
    'tls.verify is false: the certificates of https workers are not verified, so that anybody on the way can read and change what is said; give tls.ca instead',
    { type: 'RondoWarning', code: 'RONDO_TLS_UNVERIFIED' },
  )
}

/** Stands for a secret in what is said. */
const HIDDEN = '(hidden)'

/** The key of the certificate; neither may be without the other. */
function toKey({ cert, key, passphrase }: TlsOptions): KeyObject | undefined {
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw new OptionError('tls.passphrase', HIDDEN, 'is no text; give a string')
  if (key === undefined) {
    if (cert !== undefined)
      throw new OptionError('tls.cert', excerpt(cert), 'has no key with it; give tls.key too')
    if (passphrase !== undefined)
      throw new OptionError('tls.passphrase', HIDDEN, 'has no key that it opens; give tls.key too')
    return undefined
  }
  if (cert === undefined) throw new OptionError('tls.key', HIDDEN, 'has no certificate; give tls.cert too')
  try {
    return createPrivateKey({ key: key as string, ...(passphrase !== undefined && { passphrase }) })
  } catch (error) {
    const isEncrypted = /^(?:-----BEGIN|Proc-Type:).*\bENCRYPTED\b/m.test(String(key))
    if (isEncrypted && passphrase === undefined)
      throw new OptionError('tls.passphrase', undefined, 'opens no key, and tls.key is encrypted; give it')
    if (isEncrypted)
      throw new OptionError('tls.passphrase', HIDDEN, `does not open tls.key: ${text(error)}; give its own`)
    throw new OptionError(
      'tls.key',
      HIDDEN,
      'is no private key; give it as PEM, "-----BEGIN PRIVATE KEY-----…"',
    )
  }
}

function certificates(option: string, pem: unknown): X509Certificate[] {
  const found = (typeof pem === 'string' || Buffer.isBuffer(pem) ? pem.toString() : '').match(CERTIFICATE)
  try {
    if (found) return found.map((one) => new X509Certificate(one))
  } catch {
    // said below
  }
  throw new OptionError(
    option,
    excerpt(pem),
    'is no certificate; give it as PEM, "-----BEGIN CERTIFICATE-----…"',
  )
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && (isIP(value) > 0 || /^[\w-]+(\.[\w-]+)*\.?$/.test(value))
}

/** Enough of a text to know it by. */
function excerpt(value: unknown): unknown {
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) return value
  const whole = value.toString()
  return whole.length > 40 ? `${whole.slice(0, 40)}…` : whole
}

function text(error: unknown): string {
  const { reason, message } = error as Error & { reason?: string }
  return reason ?? message
}
