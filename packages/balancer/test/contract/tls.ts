import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { BadGatewayError, WorkerFailure, type TlsOptions } from '../../src/index.ts'
import { STEADY, type TestApp } from '../support/app.ts'
import { createAuthority, type Authority, type Certificate } from '../support/certificates.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { listen } from '../support/listen.ts'
import { startingTlsApps, tlsWorker } from '../support/tls-workers.ts'
import { until } from '../support/until.ts'
import { startWorker } from '../support/workers.ts'

const NAMES = ['localhost', '127.0.0.1']

/** Who is believed, and who is not, and that nobody learns anything before. */
export function tls(create: Create): void {
  const start = startingTlsApps(create)

  /** What the log gets to read of the one request that fails; the client reads nothing of it. */
  async function failureOf(app: TestApp, init: RequestInit = {}): Promise<WorkerFailure> {
    const answer = await fetch(app.url, init)
    assert.equal(answer.status, 502)
    assert.doesNotMatch(await answer.text(), /certificate|TLS|localhost/)
    const [error] = app.errors
    assert.ok(error instanceof BadGatewayError, String(error))
    assert.ok(error.cause instanceof WorkerFailure)
    return error.cause
  }

  test('a worker whose authority is given is believed, by its name and by its address', async (t) => {
    noCrashes(t)
    const authority = createAuthority(t)
    const certificate = authority.issue(NAMES)
    for (const host of NAMES) {
      const worker = await tlsWorker(t, certificate, undefined, host)
      const app = await start(t, [worker.url], { ca: [createAuthority(t, 'other').cert, authority.cert] })
      assert.equal(await (await fetch(app.url)).text(), 'fine')
      const [socket] = worker.sockets
      assert.equal(socket?.servername || undefined, host === 'localhost' ? host : undefined)
      assert.deepEqual([socket?.alpnProtocol, socket?.getProtocol()], [false, 'TLSv1.3'])
    }
  })

  test('a worker is asked for HTTP/1.1 alone', async (t) => {
    const authority = createAuthority(t)
    const worker = await tlsWorker(t, { ...authority.issue(NAMES), ALPNProtocols: ['h2', 'http/1.1'] })
    const app = await start(t, [worker.url], { ca: authority.cert })
    assert.equal((await fetch(app.url)).status, 200)
    assert.equal(worker.sockets[0]?.alpnProtocol, 'http/1.1')
  })

  type Bad = (authority: Authority) => { certificate: Certificate; tls?: TlsOptions }
  for (const [who, bad, message] of [
    [
      'that is signed by nobody known',
      (authority) => ({ certificate: authority.issue(NAMES) }),
      /TLS handshake with "localhost" failed: (unable to (verify|get)|self.signed).* \((UNABLE_TO|SELF_SIGNED)\w+\)$/,
    ],
    [
      'of another name',
      (authority) => ({ certificate: authority.issue(['other.test']), tls: { ca: authority.cert } }),
      /TLS handshake with "localhost" failed: .*localhost.* is not in .*other\.test \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    ],
    [
      'that is out of date',
      (authority) => ({ certificate: authority.issue(NAMES, { days: -1 }), tls: { ca: authority.cert } }),
      /TLS handshake with "localhost" failed: certificate has expired \(CERT_HAS_EXPIRED\)$/,
    ],
    [
      'that does not have the name that is asked for',
      (authority) => ({
        certificate: authority.issue(NAMES),
        tls: { ca: authority.cert, servername: 'inner.test' },
      }),
      /TLS handshake with "inner\.test" failed: .*inner\.test\. is not in .*localhost.* \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    ],
  ] as [string, Bad, RegExp][])
    test(`a certificate ${who} is a 502, the log says so, and the worker learns nothing of the request`, async (t) => {
      noCrashes(t)
      const { certificate, tls } = bad(createAuthority(t))
      const heard: Buffer[] = []
      const server = createTlsServer(certificate, (socket) => socket.on('data', (data) => heard.push(data)))
      server.on('tlsClientError', () => {})
      const url = `https://localhost:${await listen(t, server)}`
      const app = await start(t, [url], tls)
      const failure = await failureOf(app, { method: 'POST', body: 'secret' })
      assert.equal(failure.phase, 'connect')
      assert.match(failure.message, message)
      assert.deepEqual(heard, [])
      const socket = new WebSocket(app.url.replace('http', 'ws'))
      await once(socket, 'error')
      assert.deepEqual(heard, [])
      assert.deepEqual(app.pool.workers[0]?.failures.connect, 2)
    })

  test('a connection by which a name was not believed is not resumed in its place', async (t) => {
    const authority = createAuthority(t)
    const worker = await tlsWorker(t, { ...authority.issue(['other.test']), maxVersion: 'TLSv1.2' })
    const app = await start(t, [worker.url], { ca: authority.cert })
    for (let i = 0; i < 5; i++) assert.equal((await fetch(app.url)).status, 502)
    assert.deepEqual(worker.requests, [])
  })

  for (const name of ['inner.test', '10.1.2.3'])
    test(`with servername ${name} that is asked for and verified`, async (t) => {
      const authority = createAuthority(t)
      const worker = await tlsWorker(t, authority.issue([name]))
      const app = await start(t, [worker.url], { ca: authority.cert, servername: name })
      assert.equal((await fetch(app.url)).status, 200)
      assert.equal(worker.sockets[0]?.servername || undefined, name === 'inner.test' ? name : undefined)
    })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`a worker of ${version} that demands a certificate gets it`, async (t) => {
      noCrashes(t)
      const [authority, clients] = [createAuthority(t), createAuthority(t, 'clients')]
      const demands = { requestCert: true, ca: clients.cert, minVersion: version, maxVersion: version }
      const worker = await tlsWorker(t, { ...authority.issue(NAMES), ...demands })
      const { cert, key } = clients.issue(['balancer.test'])
      const app = await start(t, [worker.url], { ca: authority.cert, cert, key })
      assert.equal((await fetch(app.url)).status, 200)
      assert.equal(worker.sockets[0]?.getPeerCertificate().subject.CN, 'balancer.test')
    })

    test(`a worker of ${version} that demands a certificate gets no request without it`, async (t) => {
      noCrashes(t)
      const authority = createAuthority(t)
      const demands = { requestCert: true, ca: authority.cert, minVersion: version, maxVersion: version }
      const worker = await tlsWorker(t, { ...authority.issue(NAMES), ...demands })
      const app = await start(t, [worker.url], { ca: authority.cert })
      const failure = await failureOf(app)
      // Of TLS 1.3 the refusal may be overtaken by the end of the connection.
      assert.match(
        failure.message,
        version === 'TLSv1.2' ? /handshake failure|closed/ : /certificate required|ECONNRESET|closed|EPIPE/,
      )
      assert.deepEqual(worker.requests, [])
    })
  }

  test('without verification anybody is believed, and the process warns of it', async (t) => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    t.after(() => process.off('warning', note))
    const worker = await tlsWorker(t, createAuthority(t).issue(['other.test'], { days: -1 }))
    const app = await start(t, [worker.url], { verify: false })
    assert.equal((await fetch(app.url)).status, 200)
    app.pool.update([worker.url], { ...STEADY, tls: { verify: false }, slowStart: 10 })
    await until('it is said', () => warnings.length > 0)
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]), /^RondoWarning: tls\.verify is false: .* give tls\.ca instead$/)
    app.pool.update([worker.url], { ...STEADY, tls: { verify: true } })
    assert.equal((await fetch(app.url)).status, 502)
    assert.equal(warnings.length, 1)
  })

  test('a worker of plain HTTP behind an https URL is a 502 that says so', async (t) => {
    noCrashes(t)
    const worker = await startWorker(t)
    const app = await start(t, [`https://localhost:${worker.port}`], { ca: createAuthority(t).cert })
    const failure = await failureOf(app)
    assert.equal(failure.phase, 'connect')
    assert.match(failure.message, /TLS handshake with "localhost" failed: .*does it speak TLS at all\?$/)
    assert.deepEqual(worker.requests, [])
  })

  test('a worker of TLS behind an http URL is a 502', async (t) => {
    noCrashes(t)
    const worker = await tlsWorker(t, createAuthority(t).issue(NAMES))
    const app = await start(t, [worker.url.replace('https', 'http')])
    await failureOf(app)
  })

  test('a worker below TLS 1.2 is not spoken to', async (t) => {
    noCrashes(t)
    const authority = createAuthority(t)
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const worker = await tlsWorker(t, { ...authority.issue(NAMES), ...old })
    const app = await start(t, [worker.url], { ca: authority.cert })
    const failure = await failureOf(app)
    assert.equal(failure.phase, 'connect')
    assert.match(failure.message, /TLS handshake with "localhost" failed: .*version/)
  })
}
