import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A certificate and its key: as PEM, and the files that have it. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificateOptions {
  /** Days from now to its end; below 0 it has expired. Default 30. */
  readonly days?: number
}

/** Who signs certificates, and is trusted by its own. */
export interface Authority extends Certificate {
  /** The folder that all is in; it goes when the test is over. */
  readonly folder: string
  /** A certificate for these names: `a.test`, `*.a.test` or an address. The first is its common name. */
  issue(names: readonly string[], options?: CertificateOptions): Certificate
}

const DAY = 86_400_000
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Certificates of a test's own, made by `openssl`. */
export function createAuthority(t: TestContext, name = 'authority'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-certificates-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  }
  const read = (file: string): Certificate => {
    const [certFile, keyFile] = [join(folder, `${file}.pem`), join(folder, `${file}.key`)]
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  }

  openssl(
    'req',
    '-x509',
    ...KEY,
    '-subj',
    `/CN=${name}`,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '30',
  )
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(
    join(folder, 'ca.cnf'),
    `[ca]\ndefault_ca = own\n[own]\ndir = ${folder}\ndatabase = ${folder}/index.txt\nnew_certs_dir = ${folder}\nrand_serial = yes\ndefault_md = sha256\npolicy = any\nunique_subject = no\ncopy_extensions = copy\n[any]\ncommonName = supplied\n`,
  )
  let count = 0
  function issue(names: readonly string[], { days = 30 }: CertificateOptions = {}): Certificate {
    const file = `certificate-${++count}`
    const alternatives = names.map((one) => (/^[\d.]+$|:/.test(one) ? `IP:${one}` : `DNS:${one}`)).join()
    const extension = ['-addext', `subjectAltName=${alternatives}`]
    openssl(
      'req',
      '-new',
      ...KEY,
      '-subj',
      `/CN=${names[0]}`,
      ...extension,
      '-keyout',
      `${file}.key`,
      '-out',
      `${file}.csr`,
    )
    const end = Date.now() + days * DAY
    const dates = ['-startdate', stamp(Math.min(Date.now(), end) - DAY), '-enddate', stamp(end)]
    openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      '-cert',
      'ca.pem',
      '-keyfile',
      'ca.key',
      ...dates,
      '-in',
      `${file}.csr`,
      '-out',
      `${file}.pem`,
    )
    return read(file)
  }
  return { ...read('ca'), folder, issue }
}

/** As `openssl` takes times: `20261121150000Z`. */
function stamp(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
}
