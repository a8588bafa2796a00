import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from './installed.ts'
import { temporary } from './temporary.ts'

/** Paths of PEM files; `both` holds certificate and key. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly both: string
}

/**
 * A certificate for 127.0.0.1, made anew (ECDSA P-256, one day).
 * @throws Error when openssl is not installed.
 */
export async function makeCertificate(): Promise<Certificate> {
  if (!installed('openssl')) throw new Error('TLS needs openssl for a certificate: apt-get install openssl')
  const folder = await temporary('tls')
  const [cert, key, both] = ['cert.pem', 'key.pem', 'both.pem'].map((file) => join(folder, file)) as [
    string,
    string,
    string,
  ]
  const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1`
  const made = spawnSync('openssl', [...args.split(' '), '-keyout', key, '-out', cert], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`)
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'))
  return { cert, key, both }
}
