import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { createAuthority } from '../../../../packages/balancer/test/support/certificates.ts'
import { issueRsa, pairOf } from '../secure.ts'
import { ask, SELDOM, start, testInPools, until } from './running.ts'

/** A worker that speaks https, and says whose certificate it was shown. */
async function startSecureWorker(t: TestContext, options: ServerOptions): Promise<string> {
  const server = createServer(options, (req, res) => {
    res.end((req.socket as TLSSocket).getPeerX509Certificate()?.subject ?? 'nobody')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

testInPools(
  'workers over https are verified by ca and servername',
  ['tls.ca', 'tls.servername'],
  async (t, at) => {
    const authority = createAuthority(t)
    const { cert, key } = authority.issue(['worker.test'])
    const worker = await startSecureWorker(t, { cert, key })
    const fields = (tls: object): object =>
      at.file({ workers: [worker], health: { schedule: '* * * * * *' }, tls })
    const right = { ca: authority.certFile, servername: 'worker.test' }
    const { url, reload } = await start(t, fields(right))
    assert.equal((await ask(url)).body, 'nobody')
    await reload(fields({ ...right, servername: 'other.test' }))
    await until('it is not believed', async () => (await ask(url)).status >= 502)
    await reload(fields(right))
    await until('it is believed again', async () => (await ask(url)).status === 200)
    await reload(fields({ servername: 'worker.test' }))
    await until('it is not believed without ca', async () => (await ask(url)).status >= 502)
  },
)

testInPools('workers over https are not verified with verify: false', ['tls.verify'], async (t, at) => {
  const { cert, key } = createAuthority(t).issue(['worker.test'])
  const worker = await startSecureWorker(t, { cert, key })
  const { url } = await start(
    t,
    at.file({ workers: [worker], health: { schedule: SELDOM }, tls: { verify: false } }),
  )
  assert.equal((await ask(url)).body, 'nobody')
})

testInPools(
  'workers over https are shown a certificate, with its key and passphrase',
  ['tls.cert', 'tls.key', 'tls.passphrase'],
  async (t, at) => {
    const authority = createAuthority(t)
    const { cert, key } = authority.issue(['127.0.0.1'])
    const own = issueRsa(authority, 'gateway', 'hush')
    const worker = await startSecureWorker(t, { cert, key, ca: own.cert, requestCert: true })
    const tls = { ca: authority.certFile, ...pairOf(own), passphrase: 'hush' }
    const { url } = await start(t, at.file({ workers: [worker], health: { schedule: SELDOM }, tls }))
    assert.equal((await ask(url)).body, 'CN=gateway')
  },
)
