import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { until } from './config/running.ts'
import { get } from './processes.ts'
import { startSite } from './reloading.ts'
import { pairOf } from './secure.ts'
import { dial, fate, HEADERS, startEcho } from './tcp-site.ts'

suite('connections whose PROXY headers say the same', () => {
  test('are told apart: all that are not secured yet are cut when the gateway ends', async (t) => {
    const echo = await startEcho(t)
    const config = {
      shutdown: '1m',
      trustedProxies: ['127.0.0.1'],
      tcp: [
        {
          listen: '127.0.0.1:0',
          pool: 'default',
          proxyProtocol: { accept: true },
          tls: pairOf(createAuthority(t).issue(['a.test'])),
        },
      ],
      workers: [echo.url],
      admin: { listen: '127.0.0.1:0' },
    }
    const { gateway } = await startSite(t, config, { ADMIN: '127.0.0.1:0' })
    const [, admin = ''] = /admin API on (\S+)/.exec(await gateway.line(/admin API on/)) ?? []
    const clients = await Promise.all([1, 2, 3].map(() => dial(t, gateway.port)))
    for (const client of clients) client.write(HEADERS.v1)
    const fates = clients.map(fate)
    await until('all are taken', async () => /"connections":3,/.test((await get(`${admin}/stats`)).body))
    assert.equal(await gateway.end('SIGTERM'), 0)
    assert.deepEqual(
      (await Promise.all(fates)).map(({ text }) => text),
      ['', '', ''],
    )
    // Else they have the time of a handshake, which is longer.
    assert.deepEqual(
      gateway.lines.filter((line) => line.includes('timeout')),
      [],
    )
  })
})
