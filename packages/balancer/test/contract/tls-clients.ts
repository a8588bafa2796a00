import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import { test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { startApp } from '../support/app.ts'
import { createAuthority } from '../support/certificates.ts'
import { noCrashes } from '../support/crashes.ts'
import { head, type Create } from '../support/hostile.ts'
import { listen } from '../support/listen.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { upgradeHead } from '../support/web-sockets.ts'

/** Clients that come by TLS themselves: to them too a cut must not look like an end, which only a TCP reset makes sure. */
export function tlsClients(create: Create): void {
  async function end(t: TestContext, request: string, answer: string): Promise<string> {
    noCrashes(t)
    const worker = await rawWorker(t, (socket) =>
      socket.write(answer, () => setImmediate(setImmediate, () => socket.resetAndDestroy())),
    )
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const certificate = createAuthority(t).issue(['localhost'])
    const server = createServer(certificate, (req, res) => void app.balance(req, res))
    server.on('upgrade', (req, socket, first) => void app.balance.upgrade(req, socket, first))
    const port = await listen(t, server)
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    let how = ''
    let received = ''
    client.on('data', (data) => (received += data.toString('latin1')))
    client
      .on('end', () => (how ||= 'ended'))
      .on('error', (error: NodeJS.ErrnoException) => (how ||= error.code ?? ''))
    client.write(request)
    await until('it is over', () => how !== '')
    client.destroy()
    assert.match(received, /abc/)
    return how
  }

  for (const [what, answer] of [
    ['without a length', 'HTTP/1.1 200 OK\r\n\r\nabc'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ] as const)
    test(`a body ${what} that is cut is a reset to a client of HTTP/1.0 that came by TLS`, async (t) => {
      assert.equal(await end(t, 'GET /x HTTP/1.0\r\nHost: a\r\n\r\n', answer), 'ECONNRESET')
    })

  test('so is the refusal of an upgrade', async (t) => {
    const refusal = 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nabc'
    assert.equal(await end(t, upgradeHead(), refusal), 'ECONNRESET')
  })

  test('a chunked body that is cut lacks its last chunk', async (t) => {
    const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'
    await end(t, head('GET /x'), answer)
  })
}
