import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get, startGateway, startWorker } from './processes.ts'
import { slowClients } from './slow-clients.ts'

const SLOW = 1000
const HONEST = 200

/** How long a client may take for a head, in ms. */
const HEAD = 10_000

for (const FORWARDER of ['http-proxy', 'undici'])
  test(`with ${SLOW} clients that trickle their heads every honest request is served, by ${FORWARDER}`, async (t) => {
    const workers = await Promise.all(['a', 'b'].map((name) => startWorker(t, name)))
    const gateway = await startGateway(
      t,
      workers.map(({ url }) => url),
      { FORWARDER },
    )
    await gateway.line(/ is up/)
    const slow = await slowClients(t, gateway.port, SLOW)

    const statuses = new Set<number>()
    for (let i = 0; i < HONEST / 10; i++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => get(`${gateway.url}/honest`)))
      for (const { status } of answers) statuses.add(status)
    }
    assert.deepEqual(Array.from(statuses), [200])
    assert.equal(slow.length, SLOW)
    const short = slow.filter(({ disturbed = Infinity }) => disturbed < HEAD)
    assert.equal(short.length, 0, 'all of them were there all their time')
  })
