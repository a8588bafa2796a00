import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Files } from './files.ts'

/** A certificate with its key, as PEM, and what is in it. */
export interface Certificate {
  /** The chain: the certificate, and behind it those that it needs. */
  readonly cert: string
  readonly key: string
  readonly passphrase: string | undefined
  /** Of its subjectAltName, in lower case: `a.test`, `*.a.test`, and addresses. */
  readonly names: readonly string[]
  readonly issuer: string
  readonly serial: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** The files of a certificate. */
export interface PairFile {
  readonly cert: string
  readonly key: string
  readonly passphrase?: string | undefined
}

/** What cannot be used, by the key of a config that names it, and why. */
export interface Wrong {
  readonly key: 'cert' | 'key' | 'ca'
  readonly wrong: string
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** What is wrong with a certificate and its key; nothing if `toCertificate` can be made of them. */
export function wrongWithPair({ cert, key, passphrase }: PairFile, files: Files): Wrong[] {
  const wrongs: Wrong[] = []
  const badCert = files.wrongWith(cert) ?? wrongWithCertificates(files.text(cert))
  const badKey = files.wrongWith(key) ?? wrongWithKey(files.text(key), passphrase)
  if (badCert !== undefined) wrongs.push({ key: 'cert', wrong: badCert })
  if (badKey !== undefined) wrongs.push({ key: 'key', wrong: badKey })
  if (wrongs.length > 0) return wrongs
  const privateKey = createPrivateKey({ key: files.text(key), passphrase })
  if (!new X509Certificate(files.text(cert)).checkPrivateKey(privateKey))
    return [
      { key: 'key', wrong: 'is not the key of the certificate in cert; give the one that belongs to it' },
    ]
  try {
    createSecureContext({
      cert: files.text(cert),
      key: files.text(key),
      ...(passphrase !== undefined && { passphrase }),
    })
    return []
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string }
    return [
      {
        key: 'cert',
        wrong: `cannot be used (${reason ?? message}); give a certificate that is made as is usual today`,
      },
    ]
  }
}

/** What is wrong with a file of certificates that others are verified by. */
export function wrongWithAuthority(ca: string, files: Files): Wrong[] {
  const wrong = files.wrongWith(ca) ?? wrongWithCertificates(files.text(ca))
  return wrong === undefined ? [] : [{ key: 'ca', wrong }]
}

/** Reads files that have nothing wrong. */
export function toCertificate({ cert, key, passphrase }: PairFile, files: Files): Certificate {
  const x509 = new X509Certificate(files.text(cert))
  return {
    cert: files.text(cert),
    key: files.text(key),
    passphrase,
    names: namesOf(x509),
    issuer: x509.issuer.replaceAll('\n', ', '),
    serial: x509.serialNumber,
    notBefore: new Date(x509.validFrom),
    notAfter: new Date(x509.validTo),
  }
}

/** The certificates in a PEM file that has nothing wrong. */
export function certificatesIn(pem: string): X509Certificate[] {
  return Array.from(pem.matchAll(BLOCK), ([block]) => new X509Certificate(block))
}

function wrongWithCertificates(pem: string): string | undefined {
  try {
    if (certificatesIn(pem).length > 0) return undefined
    return 'has no certificate in it; name a PEM file, with "-----BEGIN CERTIFICATE-----"'
  } catch {
    return 'has a certificate in it that is broken; have it written anew'
  }
}

/** Says nothing of what is in the file. */
function wrongWithKey(pem: string, passphrase: string | undefined): string | undefined {
  try {
    createPrivateKey({ key: pem, passphrase })
    return undefined
  } catch {
    const isEncrypted = pem.includes('ENCRYPTED')
    if (isEncrypted && passphrase === undefined) return 'is encrypted; give its passphrase too'
    if (isEncrypted) return 'is not opened by its passphrase; give the one that it was encrypted with'
    return 'has no private key in it; name a PEM file, with "-----BEGIN PRIVATE KEY-----"'
  }
}

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').flatMap((entry) => {
    const [, name, address] = /^(?:DNS:((?:\*\.)?[\w.-]+)|IP Address:([\da-f:.]+))$/i.exec(entry) ?? []
    return (name ?? address)?.toLowerCase() ?? []
  })
}
