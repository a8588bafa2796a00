import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test, type TestContext } from 'node:test'
import { checkPool, OptionError } from '../src/index.ts'
import { toTls } from '../src/tls.ts'
import { toSettings } from '../src/pool-options.ts'
import { createAuthority, type Certificate } from './support/certificates.ts'

suite('the options of TLS', () => {
  const pair = (t: TestContext): Certificate => createAuthority(t).issue(['balancer.test'])

  test('are verification by whom Node trusts, if there are none', () => {
    const { servername, verify } = toTls()
    assert.deepEqual([servername, verify], [undefined, true])
    assert.equal(toTls(), toTls())
  })

  test('may be texts and buffers, bundles, chains and an encrypted key', (t) => {
    const [one, two] = [createAuthority(t, 'one'), createAuthority(t, 'two')]
    const { cert, key } = one.issue(['balancer.test'])
    const passphrase = 'open sesame'
    const encrypted = createPrivateKey(key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString()
    for (const options of [
      { ca: one.cert },
      { ca: readFileSync(one.certFile) },
      { ca: `# one\n${one.cert}\n# two\n${two.cert}` },
      { ca: [one.cert, Buffer.from(two.cert)] },
      { cert, key },
      { cert: `${cert}${one.cert}`, key: Buffer.from(key) },
      { cert, key: encrypted, passphrase },
      { servername: 'a.b-c.test' },
      { servername: '::1' },
      {},
    ])
      assert.equal(toTls(options).verify, true)
  })

  test('are the same settings as long as they are deeply equal', (t) => {
    const { cert } = createAuthority(t)
    const options = { tls: { ca: [Buffer.from(cert)] } }
    const settings = toSettings(options)
    const same = toSettings({ tls: { ca: [Buffer.from(cert)] } }, { options, settings })
    assert.equal(same.tls, settings.tls)
    const other = toSettings({ tls: { ca: [Buffer.from(cert)], verify: false } }, { options, settings })
    assert.notEqual(other.tls, settings.tls)
  })

  type Bad = (own: Certificate, other: Certificate) => unknown
  const begin = '"-----BEGIN CERTIFICATE-----'
  for (const [what, bad, message] of [
    ['no object', () => 'ca.pem', 'tls: "ca.pem" is no object; write it as { ca: "…" }'],
    ['nothing', () => null, 'tls: null is no object; write it as { ca: "…" }'],
    [
      'an option that it does not have',
      () => ({ rejectUnauthorized: false }),
      'tls: "rejectUnauthorized" is no option of it; use ca, servername, cert, key, passphrase, verify',
    ],
    ['a verify that is not sure', () => ({ verify: 'no' }), 'tls.verify: "no" is neither true nor false'],
    [
      'a servername that is none',
      () => ({ servername: 'https://a.test' }),
      'tls.servername: "https://a.test" is no name; write it as "worker.internal"',
    ],
    [
      'an empty one',
      () => ({ servername: '' }),
      'tls.servername: "" is no name; write it as "worker.internal"',
    ],
    [
      'the path of a certificate',
      () => ({ ca: '/etc/ca.pem' }),
      'tls.ca: "/etc/ca.pem" is no certificate; give it as PEM, "-----BEGIN CERTIFICATE-----…"',
    ],
    [
      'a broken one in a list',
      ({ cert }) => ({ ca: [cert, cert.replace(/\n.{20}/, '\n')] }),
      `tls.ca: ${begin}`,
    ],
    [
      'nobody to trust',
      () => ({ ca: [] }),
      'tls.ca: [] names nobody; give at least one certificate, or leave it out',
    ],
    [
      'a number',
      () => ({ ca: 5 }),
      'tls.ca: 5 is no certificate; give it as PEM, "-----BEGIN CERTIFICATE-----…"',
    ],
    ['a certificate without a key', ({ cert }) => ({ cert }), `tls.cert: ${begin}`],
    [
      'a key without a certificate',
      ({ key }) => ({ key }),
      'tls.key: "(hidden)" has no certificate; give tls.cert too',
    ],
    [
      "another's key",
      ({ cert }, { key }) => ({ cert, key }),
      'tls.key: "(hidden)" is not the key of tls.cert; give the one that it was made with',
    ],
    [
      'a key that is a certificate',
      ({ cert }) => ({ cert, key: cert }),
      'tls.key: "(hidden)" is no private key; give it as PEM, "-----BEGIN PRIVATE KEY-----…"',
    ],
    ['a certificate that is a key', ({ key }) => ({ cert: key, key }), 'tls.cert: "-----BEGIN PRIVATE KEY'],
    [
      'an encrypted key without its passphrase',
      ({ cert, key }) => ({ cert, key: encrypt(key) }),
      'tls.passphrase: undefined opens no key, and tls.key is encrypted; give it',
    ],
    [
      'a wrong passphrase',
      ({ cert, key }) => ({ cert, key: encrypt(key), passphrase: 'hunter2' }),
      'tls.passphrase: "(hidden)" does not open tls.key: bad decrypt; give its own',
    ],
    [
      'a passphrase alone',
      () => ({ passphrase: 'hunter2' }),
      'tls.passphrase: "(hidden)" has no key that it opens; give tls.key too',
    ],
    [
      'a passphrase that is no text',
      () => ({ passphrase: 5 }),
      'tls.passphrase: "(hidden)" is no text; give a string',
    ],
  ] as [string, Bad, string][])
    test(`must not be ${what}`, (t) => {
      const [own, other] = [pair(t), pair(t)]
      const tls = bad(own, other) as never
      assert.throws(
        () => checkPool(['https://a.test'], { tls }),
        (error) => {
          assert.ok(error instanceof OptionError)
          assert.ok(error.message.startsWith(message), error.message)
          assert.doesNotMatch(error.message, /hunter2|\n|[\w+/]{60}/)
          return true
        },
      )
    })
})

function encrypt(key: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const
  return createPrivateKey(key).export(options).toString()
}
