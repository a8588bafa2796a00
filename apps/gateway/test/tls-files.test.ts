import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { createAuthority, type Certificate } from '../../../packages/balancer/test/support/certificates.ts'
import { lineOf } from '../src/config/fault.ts'
import { parse } from '../src/config/load.ts'
import { folder } from './reloading.ts'
import { issueRsa } from './secure.ts'

const BEGIN_CERTIFICATE = '"-----BEGIN CERTIFICATE-----"'
const BEGIN_KEY = '"-----BEGIN PRIVATE KEY-----"'

/** Files with all that may be wrong with a certificate. */
function files(t: TestContext) {
  const authority = createAuthority(t)
  const path = folder(t)
  const put = (name: string, text: string): string => {
    writeFileSync(join(path, name), text)
    return join(path, name)
  }
  const [good, other] = [authority.issue(['a.test', '*.a.test']), authority.issue(['b.test', 'a.test'])]
  return { authority, path, put, good, other, locked: issueRsa(authority, 'c.test', 'hush') }
}

function says(t: TestContext, text: string): string[] {
  try {
    parse('f', text, {})
    return []
  } catch (error) {
    assert.equal((error as Error).name, 'ConfigError', String(error))
    t.assert.ok(!(error as Error).message.includes('hush'))
    return (error as Error).message.split('\n')
  }
}

/** A config on four lines: the values of cert, key and what comes after. */
function listenWith({ certFile, keyFile }: Pick<Certificate, 'certFile' | 'keyFile'>, more = ''): string {
  return `listen:\n  port: 443\n  tls:\n    cert: ${certFile}\n    key: ${keyFile}\n${more}`
}

suite('a config with files of certificates', () => {
  test('is right where they belong together, one or several, with a passphrase where there is to be one', (t) => {
    const { good, locked, authority } = files(t)
    assert.deepEqual(says(t, listenWith(good)), [])
    assert.deepEqual(says(t, listenWith(good, `    clients: { ca: ${authority.certFile} }\n`)), [])
    assert.deepEqual(says(t, listenWith(locked, '    passphrase: hush\n')), [])
    const pool = `workers: [https://a]\ntls: { ca: ${authority.certFile}, cert: ${good.certFile}, key: ${good.keyFile} }\n`
    assert.deepEqual(says(t, pool), [])
  })

  test('is told of each that is none, with its line and column', (t) => {
    const { good, other, locked, path, put, authority } = files(t)
    const { certFile, keyFile } = good
    const broken = put('broken.pem', good.cert.replace(/[A-Za-z0-9]{40}/, 'A'.repeat(40)))
    const text = put('text.pem', 'hush')
    const huge = put('huge.pem', ' '.repeat(1024 ** 2 + 1))
    const none = join(path, 'none.pem')
    mkdirSync(join(path, 'folder'))
    const noCertificate = `has no certificate in it; name a PEM file, with ${BEGIN_CERTIFICATE}`
    const noKey = `has no private key in it; name a PEM file, with ${BEGIN_KEY}`
    for (const [cert, key, cause, column, why] of [
      [none, keyFile, 'cert', 'f:4:11', 'cannot be read: there is no such file'],
      [path, keyFile, 'cert', 'f:4:11', 'is no file; name a PEM file'],
      [huge, keyFile, 'cert', 'f:4:11', 'is larger than 1 MiB; name a PEM file'],
      [text, keyFile, 'cert', 'f:4:11', noCertificate],
      [keyFile, keyFile, 'cert', 'f:4:11', noCertificate],
      [broken, keyFile, 'cert', 'f:4:11', 'has a certificate in it that is broken; have it written anew'],
      [certFile, none, 'key', 'f:5:10', 'cannot be read: there is no such file'],
      [certFile, text, 'key', 'f:5:10', noKey],
      [certFile, certFile, 'key', 'f:5:10', noKey],
      [certFile, locked.keyFile, 'key', 'f:5:10', 'is encrypted; give its passphrase too'],
      [
        certFile,
        other.keyFile,
        'key',
        'f:5:10',
        'is not the key of the certificate in cert; give the one that belongs to it',
      ],
    ] as const)
      assert.deepEqual(says(t, listenWith({ certFile: cert, keyFile: key })), [
        `${column}: listen.tls.${cause}: ${JSON.stringify(cause === 'cert' ? cert : key)} ${why}`,
      ])
    assert.deepEqual(says(t, listenWith(locked, '    passphrase: wrong\n')), [
      `f:5:10: listen.tls.key: ${JSON.stringify(locked.keyFile)} is not opened by its passphrase; give the one that it was encrypted with`,
    ])
    assert.deepEqual(says(t, listenWith(good, `    clients:\n      ca: ${authority.keyFile}\n`)), [
      `f:7:11: listen.tls.clients.ca: ${JSON.stringify(authority.keyFile)} ${noCertificate}`,
    ])
    const list = `listen:\n  - port: 443\n    tls:\n      certificates:\n        - { cert: ${certFile}, key: ${keyFile} }\n        - cert: ${certFile}\n          key: ${other.keyFile}\n`
    assert.deepEqual(says(t, list), [
      `f:7:16: listen[0].tls.certificates[1].key: ${JSON.stringify(other.keyFile)} is not the key of the certificate in cert; give the one that belongs to it`,
    ])
    const pool = `workers: [https://a]\ntls:\n  ca: ${text}\n  cert: ${certFile}\n  key: ${other.keyFile}\nhealth: { path: x }\n`
    assert.deepEqual(says(t, pool), [
      `f:3:7: tls.ca: ${JSON.stringify(text)} ${noCertificate}`,
      `f:5:8: tls.key: ${JSON.stringify(other.keyFile)} is not the key of the certificate in cert; give the one that belongs to it`,
      'f:6:17: health.path: "x" is not a path; write it as "/health"',
    ])
  })

  test('is told of a certificate that OpenSSL does not take', (t) => {
    const { path } = files(t)
    const [certFile, keyFile] = [join(path, 'weak.pem'), join(path, 'weak.key')]
    const made = ['req', '-x509', '-newkey', 'rsa:512', '-nodes', '-subj', '/CN=a.test', '-days', '30']
    execFileSync('openssl', [...made, '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' })
    assert.deepEqual(says(t, listenWith({ certFile, keyFile })), [
      `f:4:11: listen.tls.cert: ${JSON.stringify(certFile)} cannot be used (ee key too small); give a certificate that is made as is usual today`,
    ])
  })

  test('is warned of where a certificate has expired or soon will, or names what one before it does', (t) => {
    const { good, other, authority } = files(t)
    const old = authority.issue(['old.test'], { days: -1 })
    const soon = authority.issue(['soon.test'], { days: 13 })
    const late = authority.issue(['late.test'], { days: 15 })
    const lines = (text: string): string[] =>
      parse('f', `metrics: off\n${text}`, {}).warnings.map((fault) => lineOf('f', fault))
    const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
    const entry = ({ certFile, keyFile }: Certificate): string =>
      `\n  - { cert: ${certFile}, key: ${keyFile} }`
    const all = [good, old, soon, late, other].map(entry).join('')
    const list = `listen: { port: 443, tls: { certificates: [${all.replaceAll('\n  - ', ' ').replaceAll('} {', '}, {')}] } }\n`
    const warned = lines(list)
    const place = (certificate: Certificate): string =>
      `f:2:${list.indexOf(certificate.certFile) + 1}: listen.tls.certificates`
    assert.deepEqual(warned, [
      `${place(old)}[1].cert: ${JSON.stringify(old.certFile)}: the certificate of CN=old.test has expired on ${day(-1)}; put a new one in its place`,
      `${place(soon)}[2].cert: ${JSON.stringify(soon.certFile)}: the certificate of CN=soon.test expires on ${day(13)}; put a new one in its place`,
      `${place(other)}[4].cert: is not used for a.test: a certificate before it has the same; leave one of them out`,
    ])
    assert.deepEqual(lines(`tls: { ca: ${old.certFile} }\nworkers: [https://a]\n`), [
      `f:2:12: tls.ca: ${JSON.stringify(old.certFile)}: the certificate of CN=old.test has expired on ${day(-1)}; put a new one in its place`,
    ])
    assert.deepEqual(lines('tls: { verify: false }\nworkers: [https://a]\n'), [
      'f:2:16: tls.verify: false lets whoever is in between read and change what workers get and answer; leave it out, and name in ca who signs their certificates',
    ])
    assert.deepEqual(lines('tls: { verify: true }\nworkers: [http://a]\n'), [
      'f:2:6: tls: is for workers over https or tls, and there are none; for clients, put it into listen, as {port: 443, tls: {cert: cert.pem, key: key.pem}}',
    ])
    assert.deepEqual(lines(listenWith(good, `    clients: { ca: ${old.certFile} }\n`)), [
      `f:7:20: listen.tls.clients.ca: ${JSON.stringify(old.certFile)}: the certificate of CN=old.test has expired on ${day(-1)}; put a new one in its place`,
    ])
  })
})
