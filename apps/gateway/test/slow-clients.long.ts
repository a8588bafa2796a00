import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get, startGateway, startWorker } from './processes.ts'
import { closed } from './raw.ts'
import { slowClients } from './slow-clients.ts'

const SLOW = 1000

for (const FORWARDER of ['http-proxy', 'undici'])
  test(`${SLOW} clients that trickle their heads are gone soon after 10 s, and harm nobody, by ${FORWARDER}`, async (t) => {
    const workers = await Promise.all(['a', 'b'].map((name) => startWorker(t, name)))
    const gateway = await startGateway(
      t,
      workers.map(({ url }) => url),
      { FORWARDER },
    )
    await gateway.line(/ is up/)
    const since = gateway.lines.length

    const slow = await slowClients(t, gateway.port, SLOW)
    const gone = Promise.all(slow.map(({ socket }) => closed(socket)))
    const run = { goesOn: true }
    t.after(() => void (run.goesOn = false))
    const statuses = new Map<number, number>()
    async function honest(): Promise<void> {
      while (run.goesOn) {
        const { status } = await get(`${gateway.url}/honest`)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    const clients = Promise.all([honest(), honest(), honest(), honest()])
    await Promise.all([gone.then(() => (run.goesOn = false)), clients])
    assert.deepEqual(Array.from(statuses.keys()), [200])

    for (const { received } of slow) assert.match(received, /^HTTP\/1\.1 408 Request Timeout\r\n/)
    const lasted = slow.map(({ closed = NaN }) => closed / 1000)
    const [shortest, longest] = [Math.min(...lasted), Math.max(...lasted)]
    t.diagnostic(
      `${statuses.get(200)} honest requests; the slow ones lasted ${shortest.toFixed(1)} to ${longest.toFixed(1)} s`,
    )
    assert.ok(shortest > 9, `one was gone after ${shortest} s`)
    assert.ok(longest < 20, `one was there for ${longest} s`) // by Node's own default it might be 40

    const pattern = /client 127\.0\.0\.1 was answered 408: Request timeout(?:, and (\d+) more like it)?$/
    const lines = gateway.lines.slice(since).flatMap((line) => pattern.exec(line) ?? [])
    assert.ok(lines.length > 0 && lines.length < 40, `${lines.length} lines tell of them`)
  })
