import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { ask, SELDOM, start, startWorker, until } from './config/running.ts'
import { pairOf } from './secure.ts'

test('a client cannot negotiate anew, in TLS 1.2, who it is', async (t) => {
  const [authority, clients] = [createAuthority(t, 'servers'), createAuthority(t, 'clients')]
  const worker = await startWorker(t)
  const tls = { ...pairOf(authority.issue(['a.test'])), clients: { ca: clients.certFile } }
  const fields = { workers: [worker.url], health: { schedule: SELDOM } }
  const { port } = await start(t, { ...fields, listen: { port: 0, host: '127.0.0.1', tls } })
  const { cert, key } = clients.issue(['someone'])
  const to = { host: '127.0.0.1', port, servername: 'a.test', ca: authority.cert }
  const socket = connect({ ...to, cert, key, maxVersion: 'TLSv1.2' })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  const failed = once(socket, 'error')
  socket.renegotiate({ rejectUnauthorized: false }, () => socket.destroy(new Error('it could')))
  assert.match(String(((await failed) as [Error])[0]), /renegotiation/i)
})

test('a worker is not known by a common name alone, which says nothing of hosts', async (t) => {
  const { folder } = createAuthority(t)
  const [certFile, keyFile] = [join(folder, 'cn.pem'), join(folder, 'cn.key')]
  const made = ['-subj', '/CN=localhost', '-days', '30', '-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...made], { stdio: 'pipe' })
  const files = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  let asked = 0
  const server = createServer(files, (_req, res) => void (asked++, res.end()))
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const worker = `https://localhost:${(server.address() as AddressInfo).port}`
  for (const forwarder of ['http-proxy-middleware', 'undici']) {
    const { gateway, url } = await start(t, { workers: [worker], forwarder, tls: { ca: certFile } })
    const last = () => gateway.pools.get('default')?.stats().workers[0]?.lastProbe
    await until('a probe', () => last() !== undefined && last() !== null)
    assert.match(
      String(last()?.reason),
      /has no subjectAltName that names a host; have it made anew with one/,
    )
    assert.equal((await ask(url)).status, 503)
  }
  assert.equal(asked, 0)
})
