import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { WebSocket } from 'ws'
import { createAuthority, type Certificate } from '../../../../packages/balancer/test/support/certificates.ts'
import { askSecurely, pairOf, wss } from '../secure.ts'
import { covers } from './covers.ts'
import { ask, SELDOM, start, startWorker, type Seen } from './running.ts'

const SPOOFED = {
  'Client-Cert': ':c3Bvb2ZlZA==:',
  'client-cert-chain': ':c3Bvb2ZlZA==:',
  Client_Cert: 'x',
  'Client-Cert_Chain': 'x',
}

/** A gateway that asks its clients for certificates, and who signs those of the gateway, of clients and of strangers. */
async function startAsking(t: TestContext, clients: object = {}, fields: object = {}) {
  const [authority, clientAuthority, strange] = ['servers', 'clients', 'strangers'].map((name) =>
    createAuthority(t, name),
  ) as [Authority, Authority, Authority]
  const worker = await startWorker(t)
  const pair = pairOf(authority.issue(['a.test']))
  const fileWith = (more: object): object => ({
    listen: {
      port: 0,
      host: '127.0.0.1',
      tls: { ...pair, clients: { ca: clientAuthority.certFile, ...clients, ...more } },
    },
    workers: [worker.url],
    health: { schedule: SELDOM },
    ...fields,
  })
  const running = await start(t, fileWith({}))
  const askAs = (certificate?: Certificate, options: object = {}) =>
    askSecurely(running.port, 'a.test', {
      ca: authority.cert,
      ...(certificate && { cert: certificate.cert, key: certificate.key }),
      ...options,
    })
  return { ...running, worker, authority, clientAuthority, strange, askAs, fileWith }
}

type Authority = ReturnType<typeof createAuthority>

/** What Node's clients say of a connection that was cut after their side of the handshake. */
const CUT = { code: /^(ECONNRESET|EPIPE|ERR_SSL_.*)$/ }

suite('a listener that asks for certificates of clients', () => {
  test('lets nobody to the app who has none that its authority has signed', async (t) => {
    covers('listen.tls.clients.ca', 'listen[].tls.clients.ca')
    const { worker, askAs, clientAuthority, strange, authority, port } = await startAsking(t)
    assert.equal((await askAs(clientAuthority.issue(['someone']))).status, 200)
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'])
      for (const [who, certificate] of [
        ['nobody', undefined],
        ['a stranger', strange.issue(['someone'])],
        ['one who is known to the servers', authority.issue(['someone'])],
        ['one whose time is over', clientAuthority.issue(['someone'], { days: -1 })],
        ['who signs himself', strange],
      ] as const)
        await assert.rejects(askAs(certificate, { maxVersion }), CUT, `${who}, by ${maxVersion}`)
    const socket = wss(port, { ca: authority.cert })
    await assert.rejects(once(socket, 'open'), CUT)
    assert.equal(worker.seen.length, 1)
  })

  test('lets who has none pass where that is not required, and nobody with a bad one', async (t) => {
    covers('listen.tls.clients.required', 'listen[].tls.clients.required')
    const { worker, askAs, clientAuthority, strange } = await startAsking(t, { required: false })
    assert.equal((await askAs()).status, 200)
    assert.equal((await askAs(clientAuthority.issue(['someone']))).status, 200)
    for (const bad of [strange.issue(['x']), clientAuthority.issue(['x'], { days: -1 })])
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) await assert.rejects(askAs(bad, { maxVersion }), CUT)
    assert.equal(worker.seen.length, 2)
  })

  for (const forwarder of ['http-proxy-middleware', 'undici'])
    test(`tells workers the certificate where it is to forward it, by ${forwarder}`, async (t) => {
      covers('listen.tls.clients.forward', 'listen[].tls.clients.forward')
      const told = await startAsking(t, { required: false, forward: 'on' }, { forwarder })
      const someone = told.clientAuthority.issue(['someone'])
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      t.after(() => agent.destroy())
      const value = `:${new X509Certificate(someone.cert).raw.toString('base64')}:`
      for (const headers of [SPOOFED, {}, { Connection: 'keep-alive, client-cert' }]) {
        const got = JSON.parse((await told.askAs(someone, { headers, agent })).body) as Seen
        assert.equal(got.headers['client-cert'], value)
        const names = got.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
        assert.deepEqual(
          names.filter((name) => /client.cert/.test(name)),
          ['client-cert'],
        )
      }
      const without = JSON.parse((await told.askAs(undefined, { headers: SPOOFED })).body) as Seen
      assert.doesNotMatch(without.rawHeaders.join(), /client.cert/i)
      const socket = wss(told.port, {
        ca: told.authority.cert,
        cert: someone.cert,
        key: someone.key,
        headers: SPOOFED,
      })
      await once(socket, 'open')
      const upgrade = told.worker.seen.at(-1)
      assert.equal(upgrade?.headers['client-cert'], value)
      assert.equal(upgrade.rawHeaders.join().match(/client.cert/gi)?.length, 1)
      socket.terminate()
    })

  test('believes what a trusted proxy says of its clients, and does not take its certificate for theirs', async (t) => {
    const fields = { trustedProxies: ['127.0.0.1'] }
    const { askAs, clientAuthority } = await startAsking(t, { forward: 'on' }, fields)
    const proxy = clientAuthority.issue(['proxy'])
    const headers = { 'Client-Cert': ':Y2xpZW50:' }
    assert.equal(
      (JSON.parse((await askAs(proxy, { headers })).body) as Seen).headers['client-cert'],
      ':Y2xpZW50:',
    )
    assert.equal((JSON.parse((await askAs(proxy)).body) as Seen).headers['client-cert'], undefined)
  })

  test('keeps to itself what it is not to forward, and what others say in its name', async (t) => {
    const { askAs, clientAuthority } = await startAsking(t)
    const got = JSON.parse((await askAs(clientAuthority.issue(['x']), { headers: SPOOFED })).body) as Seen
    assert.doesNotMatch(got.rawHeaders.join(), /client.cert/i)
  })

  test('resumes no session of before it asked, or of those whom another authority has signed', async (t) => {
    const { worker, port, authority, clientAuthority, strange, fileWith, reload } = await startAsking(t, {
      required: false,
    })
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      await reload(fileWith({ required: false }))
      const someone = clientAuthority.issue(['someone'])
      const options = { host: '127.0.0.1', port, servername: 'a.test', ca: authority.cert, maxVersion }
      const sessionOf = async (more: object): Promise<Buffer> => {
        const socket = connect({ ...options, ...more })
        t.after(() => socket.destroy())
        const [session] = (await once(socket, 'session')) as [Buffer]
        socket.destroy()
        return session
      }
      const isResumed = async (session: Buffer): Promise<boolean> => {
        const socket = connect({ ...options, session })
        t.after(() => socket.destroy())
        await once(socket, 'secureConnect')
        const reused = socket.isSessionReused()
        socket.destroy()
        return reused
      }
      const sessions = [await sessionOf({}), await sessionOf({ cert: someone.cert, key: someone.key })]
      assert.equal(await isResumed(sessions[0] as Buffer), true, 'where nothing has changed')
      const seen = worker.seen.length
      for (const next of [
        { required: false, ca: strange.certFile },
        { required: true, ca: strange.certFile },
        { required: true },
      ]) {
        await reload(fileWith(next))
        for (const session of sessions) {
          if (next.required)
            await assert.rejects(
              askSecurely(port, 'a.test', { ca: authority.cert, maxVersion, session }),
              CUT,
            )
          else assert.equal(await isResumed(session), false)
        }
      }
      assert.equal(worker.seen.length, seen)
    }
  })

  test('ends connections of before it asked with their next answer', async (t) => {
    const { askAs, fileWith, reload, authority } = await startAsking(t, { required: false })
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.cert })
    t.after(() => agent.destroy())
    assert.equal((await askAs(undefined, { agent })).headers.connection, 'keep-alive')
    await reload(fileWith({ required: true }))
    assert.equal((await askAs(undefined, { agent })).headers.connection, 'close')
    await assert.rejects(askAs(undefined, { agent }), CUT)
  })
})

suite('on a listener without tls', () => {
  test('nobody is believed who says that he has a certificate, but trusted proxies', async (t) => {
    const worker = await startWorker(t)
    const file = { workers: [worker.url], health: { schedule: SELDOM } }
    const { url, port, reload } = await start(t, file)
    const upgrade = async (): Promise<Seen | undefined> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: SPOOFED })
      await once(socket, 'open')
      socket.terminate()
      return worker.seen.at(-1)
    }
    const [plain, ws] = [(await ask(url, { headers: SPOOFED })).got, await upgrade()]
    for (const got of [plain, ws]) assert.doesNotMatch(String(got?.rawHeaders), /client.cert/i)
    await reload({ ...file, trustedProxies: ['127.0.0.1'] })
    for (const got of [(await ask(url, { headers: SPOOFED })).got, await upgrade()])
      assert.equal(got?.headers['client-cert'], SPOOFED['Client-Cert'])
  })

  test('a route that asks for the header does not take who makes it up', async (t) => {
    const routes = [
      { header: { 'client-cert': true }, answer: { status: 200, body: 'known' } },
      { answer: { status: 403 } },
    ]
    const { url } = await start(t, { routes })
    assert.equal((await ask(url, { headers: SPOOFED })).status, 403)
  })
})

test('clients may be signed by any of several authorities', async (t) => {
  const { clientAuthority, strange, askAs, reload, fileWith } = await startAsking(t)
  const file = join(clientAuthority.folder, 'both.pem')
  writeFileSync(file, readFileSync(clientAuthority.certFile, 'utf8') + strange.cert)
  await reload(fileWith({ ca: file }))
  for (const authority of [clientAuthority, strange])
    assert.equal((await askAs(authority.issue(['x']))).status, 200)
})
