import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type TLSSocket } from 'node:tls'
import { suite, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { createAuthority } from '../../../../packages/balancer/test/support/certificates.ts'
import { askSecurely, issueRsa, pairOf, serialAt, serialOf, wss } from '../secure.ts'
import { covers } from './covers.ts'
import { ask, SELDOM, start, startWorker, type Running, type Seen } from './running.ts'

const ANSWERS = { routes: [{ answer: { status: 200, body: 'here' } }] }

/** A gateway that speaks TLS on one listener. */
function startSecure(t: TestContext, tls: object, fields: object = ANSWERS): Promise<Running> {
  return start(t, { ...fields, listen: [{ port: 0, host: '127.0.0.1', tls }] })
}

suite('a listener with tls', () => {
  test('answers over https, and says so to workers, in cookies and to curl', async (t) => {
    covers('listen.port', 'listen.host', 'listen.tls.cert', 'listen.tls.key')
    const authority = createAuthority(t)
    const worker = await startWorker(t)
    const { port } = await start(t, {
      listen: { port: 0, host: '127.0.0.1', tls: pairOf(authority.issue(['a.test'])) },
      workers: [worker.url],
      sticky: { secret: 'x'.repeat(32) },
      health: { schedule: SELDOM },
    })
    const { status, body, headers, protocol } = await askSecurely(port, 'a.test', { ca: authority.cert })
    assert.deepEqual([status, protocol], [200, 'TLSv1.3'])
    const got = JSON.parse(body) as Seen
    assert.equal(got.headers['x-forwarded-proto'], 'https')
    assert.match(String(headers['set-cookie']), /; Secure/)
    const how = ['--silent', '--resolve', `a.test:${port}:127.0.0.1`, '--cacert', authority.certFile]
    const bound = { signal: t.signal, killSignal: 'SIGKILL' } as const
    const { stdout } = await promisify(execFile)('curl', [...how, `https://a.test:${port}/curl`], bound)
    assert.equal((JSON.parse(stdout) as Seen).url, '/curl')
  })

  test('shows each name its own certificate: exact before wildcard, of any case, else the first', async (t) => {
    covers('listen[].port', 'listen[].host', 'listen[].tls.certificates[].cert')
    covers(
      'listen[].tls.certificates[].key',
      'listen.tls.certificates[].cert',
      'listen.tls.certificates[].key',
    )
    const authority = createAuthority(t)
    const [first, wild, exact] = [['a.test'], ['*.b.test', 'b.test'], ['x.b.test']].map((names) =>
      authority.issue(names),
    ) as [Cert, Cert, Cert]
    const { port } = await startSecure(t, { certificates: [first, wild, exact].map(pairOf) })
    for (const [name, certificate] of [
      ['a.test', first],
      ['A.Test', first],
      ['b.test', wild],
      ['y.b.test', wild],
      ['Y.B.TEST', wild],
      ['x.b.test', exact],
      ['X.b.test', exact],
      ['z.y.b.test', first],
      ['other.test', first],
      ['', first],
    ] as const)
      assert.equal(await serialAt(port, name), serialOf(certificate), `for ${name}`)
    assert.equal((await askSecurely(port, 'y.b.test', { ca: authority.cert })).body, 'here')
  })

  test('shows the first of those certificates that have the same name', async (t) => {
    const authority = createAuthority(t)
    const [ec, rsa, other] = [
      authority.issue(['a.test']),
      issueRsa(authority, 'b.test'),
      authority.issue(['b.test']),
    ]
    const { port } = await startSecure(t, { certificates: [ec, rsa, other].map(pairOf) })
    assert.equal(await serialAt(port, 'b.test'), serialOf(rsa))
  })

  test('opens an encrypted key by its passphrase', async (t) => {
    covers('listen.tls.passphrase', 'listen[].tls.passphrase', 'listen[].tls.certificates[].passphrase')
    covers('listen.tls.certificates[].passphrase', 'listen[].tls.cert', 'listen[].tls.key')
    const rsa = issueRsa(createAuthority(t), 'a.test', 'hush')
    const pair = { ...pairOf(rsa), passphrase: 'hush' }
    for (const tls of [pair, { certificates: [pair] }])
      assert.equal(await serialAt((await startSecure(t, tls)).port, 'a.test'), serialOf(rsa))
  })

  test('speaks TLS 1.2 and newer, or what minVersion says', async (t) => {
    covers('listen.tls.minVersion', 'listen[].tls.minVersion')
    const authority = createAuthority(t)
    const pair = pairOf(authority.issue(['a.test']))
    const usual = await startSecure(t, pair)
    const strict = await startSecure(t, { ...pair, minVersion: 1.3 })
    const by = async (port: number, maxVersion: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      (await askSecurely(port, 'a.test', { ca: authority.cert, minVersion: 'TLSv1', maxVersion })).protocol
    assert.equal(await by(usual.port, 'TLSv1.3'), 'TLSv1.3')
    assert.equal(await by(usual.port, 'TLSv1.2'), 'TLSv1.2')
    assert.equal(await by(strict.port, 'TLSv1.3'), 'TLSv1.3')
    const refused = /alert protocol version/
    const legacy = { ca: authority.cert, ciphers: 'DEFAULT@SECLEVEL=0' }
    await assert.rejects(by(strict.port, 'TLSv1.2'), refused)
    const old = { ...legacy, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
    await assert.rejects(askSecurely(usual.port, 'a.test', old), refused)
  })

  test('agrees on http/1.1, and on nothing else', async (t) => {
    const { port } = await startSecure(t, pairOf(createAuthority(t).issue(['a.test'])))
    const offer = (ALPNProtocols: string[]): TLSSocket =>
      connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols })
    const both = offer(['h2', 'http/1.1'])
    t.after(() => both.destroy())
    await once(both, 'secureConnect')
    assert.equal(both.alpnProtocol, 'http/1.1')
    await assert.rejects(once(offer(['h2']), 'secureConnect'), {
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    })
  })

  test('carries WebSockets', async (t) => {
    const authority = createAuthority(t)
    const worker = await startWorker(t)
    const { port } = await startSecure(t, pairOf(authority.issue(['a.test'])), {
      workers: [worker.url],
      health: { schedule: SELDOM },
    })
    const socket = wss(port, { ca: authority.cert })
    await once(socket, 'open')
    socket.send('hello')
    const [data] = (await once(socket, 'message')) as [Buffer]
    assert.equal(data.toString(), 'hello')
    assert.equal(worker.seen[0]?.headers['x-forwarded-proto'], 'https')
    socket.terminate()
    await once(socket, 'close')
  })

  test('becomes one, and plain again, without a moment in which nobody listens', async (t) => {
    const authority = createAuthority(t)
    const tls = pairOf(authority.issue(['a.test']))
    const gateway = await start(t, ANSWERS)
    const { port } = gateway
    const [listener] = gateway.gateway.listeners
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    assert.equal((await ask(gateway.url, { agent })).headers.connection, 'keep-alive')
    const at = (more: object): object => ({ ...ANSWERS, listen: { port: 0, host: '127.0.0.1', ...more } })
    await gateway.reload(at({ tls }))
    assert.equal((await askSecurely(port, 'a.test', { ca: authority.cert })).body, 'here')
    const kept = await ask(gateway.url, { agent })
    assert.deepEqual(
      [kept.body, kept.headers.connection],
      ['here', 'close'],
      'who was there is served once more',
    )
    assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 400)
    await gateway.reload(at({ redirect: 443 }))
    assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 308)
    await gateway.reload(at({}))
    assert.equal((await ask(`http://127.0.0.1:${port}/`)).body, 'here')
    assert.equal(gateway.gateway.listeners[0]?.served, listener?.served)
  })
})

type Cert = ReturnType<ReturnType<typeof createAuthority>['issue']>
