import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { suite, test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { createAuthority } from './support/certificates.ts'
import { outcomes, startTcp, tcpWorker } from './support/tcp.ts'
import { until } from './support/until.ts'

suite('a client of TLS that ends at the balancer', () => {
  test('and resets its connection as soon as its handshake is over leaves nothing behind', async (t) => {
    const { cert, key } = createAuthority(t).issue(['a.test'])
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url], {
      server: (balance) => createServer({ cert, key }, balance),
    })
    const count = 50
    for (let i = 0; i < count; i++) {
      const below = connectTcp(app.port, '127.0.0.1')
      const client = connect({ socket: below, rejectUnauthorized: false })
      client.on('error', () => {})
      await once(client, 'secureConnect')
      client.write('hello')
      below.on('error', () => {}).resetAndDestroy()
    }
    // Some are cut before they are the balancer's; of those that are, none stays for its time of silence.
    await until('all are over', () => app.pool.metrics.active === 0, 5000)
    assert.deepEqual(
      Object.keys(outcomes(app.pool.workers)).filter((outcome) => outcome !== 'client-gone'),
      [],
    )
  })
})
