import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import type { Terms } from '../../src/index.ts'
import { toKeepAlive } from '../../src/timeouts.ts'
import { toTls } from '../../src/tls.ts'
import { startApp, STEADY } from '../support/app.ts'
import { carrier, workerAt } from '../support/carrier.ts'
import { createAuthority } from '../support/certificates.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { tlsWorker } from '../support/tls-workers.ts'
import { until } from '../support/until.ts'
import { startWorker } from '../support/workers.ts'

const NAMES = ['localhost']

/** How often there are handshakes, and by which settings. */
export function tlsConnections(create: Create): void {
  test('one handshake is enough for many requests, whatever hosts they ask for', async (t) => {
    const authority = createAuthority(t)
    const worker = await tlsWorker(
      t,
      authority.issue(NAMES),
      ({ headers }, res) => void res.end(headers.host),
    )
    const app = await startApp(t, [worker.url], {
      forwarder: create(),
      pool: { ...STEADY, tls: { ca: authority.cert } },
    })
    for (let i = 0; i < 100; i++)
      await (await fetch(i % 2 ? app.url : app.url.replace('127.0.0.1', 'localhost'))).text()
    assert.equal(worker.sockets.length, 1)
  })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`a new connection to a worker of ${version} resumes its session, but not that of other settings`, async (t) => {
      noCrashes(t)
      const authority = createAuthority(t)
      const certificate = { ...authority.issue(NAMES), minVersion: version, maxVersion: version }
      const server = await tlsWorker(t, certificate)
      const other = await tlsWorker(t, certificate)
      const plans: ({ path: string } & Partial<Terms>)[] = []
      const settings = [toTls({ ca: authority.cert }), toTls({ ca: authority.cert })] as const
      const [worker, another] = [workerAt(server.url), workerAt(other.url)]
      const { url, forwarder } = await carrier(t, create, (req) => [
        { worker: req.url === '/another' ? another : worker, ...plans.shift() },
      ])
      async function resumed(path: string, terms: Partial<Terms>): Promise<boolean | undefined> {
        plans.push({ path, ...terms })
        assert.equal((await fetch(url + path)).status, 200)
        return (path === '/another' ? other : server).resumed.at(-1)
      }
      const [tls, otherTls] = settings
      assert.equal(await resumed('/', { tls }), false)
      assert.equal(await resumed('/', { tls, fresh: true }), true)
      forwarder.forget?.(worker)
      assert.equal(await resumed('/', { tls }), true)
      assert.equal(await resumed('/another', { tls }), false)
      assert.equal(await resumed('/', { tls: otherTls }), false)
      assert.equal(await resumed('/', { tls: otherTls, fresh: true }), true)
      assert.equal(await resumed('/', { tls, keepAlive: toKeepAlive({ idle: 1 }) }), false)
      assert.equal(server.sockets.length, 6)
    })

  test('a WebSocket needs no whole handshake either once there was one', async (t) => {
    const authority = createAuthority(t)
    const worker = await tlsWorker(t, authority.issue(NAMES))
    const tls = { ca: authority.cert }
    const app = await startApp(t, [worker.url], { forwarder: create(), pool: { ...STEADY, tls } })
    await (await fetch(app.url)).text()
    const socket = new WebSocket(app.url.replace('http', 'ws'))
    await once(socket, 'error') // it answers 200
    const [first, ...rest] = worker.resumed
    assert.equal(first, false)
    assert.ok(rest.every(Boolean))
  })

  test('other settings are for new connections; what is under way goes on, and no request fails', async (t) => {
    noCrashes(t)
    const [before, after] = [createAuthority(t, 'before'), createAuthority(t, 'after')]
    const [first, next] = [before.issue(NAMES), after.issue(NAMES)]
    const worker = await tlsWorker(t, first, (req, res) => {
      if (req.url === '/slow') res.write('begun ')
      if (req.url === '/slow') end = () => void res.end('and over')
      else res.end('fine')
    })
    let end = (): void => {}
    const app = await startApp(t, [worker.url], {
      forwarder: create(),
      pool: { ...STEADY, tls: { ca: before.cert } },
    })
    const slow = await fetch(`${app.url}/slow`)
    const over = new AbortController()
    const statuses = new Set<number>()
    let count = 0
    async function ask(): Promise<void> {
      for (; !over.signal.aborted; count++) {
        const answer = await fetch(app.url)
        await answer.text()
        statuses.add(answer.status)
      }
    }
    const clients = Array.from({ length: 8 }, ask)
    for (const ca of [[before.cert, after.cert], [after.cert]]) {
      const [seen, done] = [worker.sockets.length, count]
      app.pool.update([worker.url], { ...STEADY, tls: { ca } })
      await until('it goes on over new connections', () => count > done + 50 && worker.sockets.length > seen)
      if (ca.length === 2) worker.renew(next)
    }
    over.abort()
    await Promise.all(clients)
    assert.deepEqual([...statuses], [200])
    assert.equal(worker.resumed.at(-1), false)
    end()
    assert.equal(await slow.text(), 'begun and over')
    await until('only those in use are left', () => worker.sockets.filter((one) => !one.closed).length <= 8)
    assert.equal(app.pool.metrics.failed, 0)
  })

  test('the same options in another object change nothing', async (t) => {
    const authority = createAuthority(t)
    const worker = await tlsWorker(t, authority.issue(NAMES))
    const options = (): object => ({ ...STEADY, tls: { ca: Buffer.from(authority.cert) } })
    const app = await startApp(t, [worker.url], { forwarder: create(), pool: options() })
    await (await fetch(app.url)).text()
    app.pool.update([worker.url], options())
    await (await fetch(app.url)).text()
    assert.equal(worker.sockets.length, 1)
  })

  test('workers of both kinds serve in one pool, and other settings are nothing to the plain ones', async (t) => {
    const authority = createAuthority(t)
    const certificate = authority.issue(NAMES)
    const [secure, plain] = [await tlsWorker(t, certificate), await plainWorker(t)]
    const app = await startApp(t, [secure.url, plain.url], {
      forwarder: create(),
      pool: { ...STEADY, tls: { ca: authority.cert } },
    })
    const ask = async (): Promise<string> => (await fetch(app.url)).text()
    assert.deepEqual([await ask(), await ask(), await ask(), await ask()].toSorted(), [
      'fine',
      'fine',
      'w',
      'w',
    ])
    app.pool.update([secure.url, plain.url], { ...STEADY, tls: { ca: [authority.cert] } })
    for (let i = 0; i < 4; i++) await ask()
    assert.deepEqual([secure.sockets.length, plain.connections()], [2, 1])
  })
}

async function plainWorker(
  t: Parameters<typeof startWorker>[0],
): Promise<{ url: string; connections(): number }> {
  const worker = await startWorker(t)
  let connections = 0
  worker.server.on('connection', () => connections++)
  return { url: worker.url, connections: () => connections }
}
