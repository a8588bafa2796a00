import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import type { TlsOptions as ServerOptions } from 'node:tls'
import { STEADY } from '../support/app.ts'
import { createAuthority } from '../support/certificates.ts'
import { noCrashes } from '../support/crashes.ts'
import { head, type Create } from '../support/hostile.ts'
import { listen } from '../support/listen.ts'
import { rawClient } from '../support/raw-client.ts'
import { startingTlsApps, tlsWorker } from '../support/tls-workers.ts'
import { until } from '../support/until.ts'
import { upgradeHead } from '../support/web-sockets.ts'

const NAMES = ['localhost', '127.0.0.1']

/** Handshakes that take their time, or for ever. */
export function tlsHandshakes(create: Create): void {
  const start = startingTlsApps(create)

  test('a handshake that does not end is a connection that does not stand: a POST goes on, whole', async (t) => {
    noCrashes(t)
    const authority = createAuthority(t)
    const held: Socket[] = []
    const mute = createServer((socket) => void held.push(socket.on('error', () => {}).resume()))
    const port = await listen(t, mute)
    const good = await tlsWorker(t, authority.issue(NAMES), (req, res) => void req.pipe(res))
    const app = await start(
      t,
      [`https://localhost:${port}`],
      { ca: authority.cert },
      { timeouts: { connect: 100 } },
    )
    const answer = await fetch(app.url)
    assert.equal(answer.status, 504)
    assert.match(String(app.errors[0]), /no TLS handshake within 100 ms$/)
    await until('the connection is closed', () => held.every(({ closed }) => closed))

    await once(new WebSocket(app.url.replace('http', 'ws')), 'error')
    await until('the connection is closed', () => held.every(({ closed }) => closed))

    app.pool.add(good.url)
    await app.pool.poll()
    const body = randomBytes(1_000_000)
    for (let i = 0; i < 4; i++) {
      const echoed = await fetch(app.url, { method: 'POST', body })
      assert.ok(body.equals(Buffer.from(await echoed.arrayBuffer())))
    }
    const [muteWorker] = app.pool.workers
    assert.equal(muteWorker?.failures.connect, 0)
    assert.ok((muteWorker?.failures.timeout ?? 0) >= 3, 'the first request, the WebSocket, and some of four')
  })

  test('a connection whose client has left in the handshake harms nobody, and the next is served', async (t) => {
    noCrashes(t)
    const authority = createAuthority(t)
    const held: (() => void)[] = []
    const SNICallback: ServerOptions['SNICallback'] = (_name, go) => void held.push(() => go(null))
    const worker = await tlsWorker(t, { ...authority.issue(NAMES), SNICallback })
    const app = await start(t, [worker.url], { ca: authority.cert })
    for (const method of ['GET', 'POST']) {
      const leaving = new AbortController()
      const { signal } = leaving
      const init = method === 'POST' ? { method, signal, body: 'x' } : { signal }
      const gone = fetch(app.url, init).catch(() => 'gone')
      await until('it shakes hands', () => held.length > 0)
      leaving.abort()
      assert.equal(await gone, 'gone')
      await until('nobody is active', () => app.pool.metrics.active === 0)
      const next = fetch(app.url)
      await until('the next does too', () => held.length > 1)
      for (const go of held.splice(0)) go()
      assert.equal(await (await next).text(), 'fine')
      assert.deepEqual(worker.requests.splice(0), ['GET /'])
      app.pool.update([worker.url], {
        ...STEADY,
        tls: { ca: [authority.cert, authority.cert].slice(0, method === 'GET' ? 2 : 1) },
      })
    }
    assert.deepEqual([app.pool.metrics.failed, app.pool.metrics.total], [0, 4])
  })

  for (const kind of ['request', 'WebSocket'])
    test(`a ${kind} that is cut in the handshake ends it`, async (t) => {
      noCrashes(t)
      const held: Socket[] = []
      const mute = createServer((socket) => void held.push(socket.on('error', () => {}).resume()))
      const app = await start(t, [`https://localhost:${await listen(t, mute)}`])
      const client = await rawClient(t, app.port, kind === 'request' ? head('GET /x') : upgradeHead())
      await until('it is begun', () => held.length === 1)
      await app.balance.close({ timeout: 1 })
      await until('all is over', () => client.isOver && app.pool.metrics.active === 0)
      await until('the connection is closed', () => held.every(({ closed }) => closed), 2000)
    })

  test('a client that leaves in the handshake is no failure, and closing ends the handshake', async (t) => {
    noCrashes(t)
    const held: Socket[] = []
    const mute = createServer((socket) => void held.push(socket.on('error', () => {}).resume()))
    const app = await start(t, [`https://localhost:${await listen(t, mute)}`])
    const leaving = new AbortController()
    const gone = fetch(app.url, { signal: leaving.signal }).catch(() => 'gone')
    await until('it is begun', () => held.length === 1)
    leaving.abort()
    assert.equal(await gone, 'gone')
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.equal(app.pool.metrics.failed, 0)
    await app.balance.close({ timeout: 1 })
    await until('the connection is closed', () => held.every(({ closed }) => closed))
  })
}
