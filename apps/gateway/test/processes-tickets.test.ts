import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { folder, startBackend, startSite } from './reloading.ts'

/** A request on a connection of its own; tells whether its session was resumed, and what the next may resume. */
async function visit(
  t: TestContext,
  port: number,
  ca: string,
  former?: Buffer,
): Promise<{ readonly isReused: boolean; readonly session: Buffer | undefined }> {
  let session = former
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'a.test',
    ca,
    ...(former && { session: former }),
  })
  t.after(() => socket.destroy())
  socket.on('session', (next: Buffer) => (session = next))
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await once(socket, 'data')
  const isReused = socket.isSessionReused()
  socket.destroy()
  return { isReused, session }
}

suite('sessions of TLS', () => {
  test('are resumed by whichever of several processes, and by none when the terms are others', async (t) => {
    const authority = createAuthority(t)
    const certificate = authority.issue(['a.test'])
    const path = folder(t)
    const [cert, key] = [join(path, 'cert.pem'), join(path, 'key.pem')]
    writeFileSync(cert, certificate.cert)
    writeFileSync(key, certificate.key)
    const backend = await startBackend(t, 'a')
    const listen = { port: 0, host: '127.0.0.1', tls: { cert, key } }
    const config = { processes: 3, log: 'off', listen, workers: [backend.url] }
    const site = await startSite(t, config)
    const { port } = site.gateway

    let { session } = await visit(t, port, authority.cert)
    for (let i = 0; i < 20; i++) {
      const next = await visit(t, port, authority.cert, session)
      assert.ok(next.isReused, `visit ${i}`)
      session = next.session
    }
    await site.change({ ...config, limits: { connections: 100 } })
    assert.ok((await visit(t, port, authority.cert, session)).isReused, 'a reload of something else')
    await site.change({ ...config, listen: { ...listen, tls: { cert, key, minVersion: '1.3' } } })
    assert.ok(!(await visit(t, port, authority.cert, session)).isReused)
  })
})
