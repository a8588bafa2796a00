import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import { isWebSocket } from '../../src/index.ts'
import { head, OK, stage, type Create, type Stage } from '../support/hostile.ts'
import { seen } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { upgradeHead } from '../support/web-sockets.ts'

const KEY = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

function offer(line: string, upgrade: string, ...headers: string[]): string {
  return head(line, 'Connection: Upgrade, HTTP2-Settings', `Upgrade: ${upgrade}`, ...headers)
}

/** Offers of a protocol that the balancer does not speak, and the body of the request. */
const OFFERS: [what: string, bytes: string, body: string][] = [
  ['h2c', offer('GET /x', 'h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'), ''],
  ['h2c in capitals', offer('GET /x', 'H2C', 'HTTP2-Settings: AAMAAABkAAQAAP__'), ''],
  ['h2c with a body', `${offer('POST /x', 'h2c', 'Content-Length: 2')}hi`, 'hi'],
  ['TLS/1.0', offer('GET /x', 'TLS/1.0'), ''],
  ['TLS/1.0 of an OPTIONS', offer('OPTIONS /x', 'TLS/1.0'), ''],
  ['WebSocket or h2c', offer('GET /x', 'websocket, h2c', ...KEY), ''],
  ['h2c or WebSocket', offer('GET /x', 'h2c, websocket', ...KEY), ''],
  ['two lines of protocols', offer('GET /x', 'websocket', 'Upgrade: h2c', ...KEY), ''],
  ['two WebSockets', offer('GET /x', 'websocket', 'Upgrade: websocket', ...KEY), ''],
  ['a version of WebSocket', offer('GET /x', 'websocket/13', ...KEY), ''],
  ['a protocol that nobody knows', offer('GET /x', 'xwebsocket', ...KEY), ''],
  ['a WebSocket by POST', offer('POST /x', 'websocket', ...KEY, 'Content-Length: 0'), ''],
  [
    'a WebSocket by POST with a body',
    `${offer('POST /x', 'websocket', ...KEY, 'Content-Length: 2')}hi`,
    'hi',
  ],
  ['a WebSocket by HEAD', offer('HEAD /x', 'websocket', ...KEY), ''],
]

/** With a body a handshake is a fault, or none. */
const WITH_BODY: [what: string, bytes: string, body: string][] = [
  ['a WebSocket with a body', `${offer('GET /x', 'websocket', ...KEY, 'Content-Length: 2')}hi`, 'hi'],
  [
    'a WebSocket with a body in chunks',
    `${offer('GET /x', 'websocket', ...KEY, 'Transfer-Encoding: chunked')}2\r\nhi\r\n0\r\n\r\n`,
    '2\r\nhi\r\n0\r\n\r\n',
  ],
]

/** Upgrades that are none to a balancer: it serves them as what else they are, or not at all (RFC 9110, 7.8). */
export function otherUpgrades(create: Create): void {
  const skip = !('shouldUpgradeCallback' in createServer()) && 'Node before 24.9 lets no server choose'
  const choosing = async (t: TestContext): Promise<Stage> => {
    const scene = await stage(t, create)
    Object.assign(scene.app.server, { shouldUpgradeCallback: isWebSocket })
    return scene
  }

  for (const [what, bytes, body] of [...OFFERS, ...WITH_BODY])
    test(
      `a server that chooses serves an offer of ${what} as a request, and ends the connection`,
      { skip },
      async (t) => {
        const { client, worker, servesOn } = await choosing(t)
        const one = await client(bytes)
        const isHead = bytes.startsWith('HEAD')
        assert.equal((await one.response({ head: isHead })).status, 200)
        if (isHead) return servesOn() // the worker's body is behind its answer, where none should be
        assert.equal(await one.rest(), '')
        await servesOn()
        const [request] = worker.requests
        assert.deepEqual([request?.path, request?.body], ['/x', body])
        for (const name of ['upgrade', 'http2-settings']) assert.deepEqual(seen(request, name), [], name)
        assert.doesNotMatch(seen(request, 'connection').join(), /upgrade|settings/i)
        assert.equal(worker.requests.length, 2)
      },
    )

  for (const [what, bytes, body] of [...OFFERS, ...WITH_BODY])
    test(`a server that does not choose refuses an offer of ${what}, and reads nothing behind it`, async (t) => {
      const { app, client, worker, servesOn } = await stage(t, create)
      const one = await client(bytes + head('GET /smuggled'))
      const { status } = await one.response()
      assert.ok((body === '' ? [501] : [400, 501]).includes(status), String(status))
      assert.equal(await one.rest(), '')
      assert.deepEqual([app.pool.metrics.total, worker.received], [0, ''])
      await servesOn()
    })

  for (const [what, bytes] of [
    ['an Upgrade that Connection does not name', upgradeHead('/x', 'keep-alive')],
    ['an Upgrade to nothing', offer('GET /x', '', ...KEY)],
    ['a Connection that names no Upgrade', head('GET /x', 'Connection: Upgrade', ...KEY)],
  ] as const)
    test(`${what} is nothing`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const one = await client(bytes)
      assert.equal((await one.response()).status, 200)
      assert.deepEqual(seen(worker.requests[0], 'upgrade'), [])
      await servesOn(one)
    })

  test('a worker that switches to what nobody offered is a 502, and carries nothing', async (t) => {
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'
    const { app, client, worker, servesOn } = await stage(t, create, switched)
    const one = await client(upgradeHead('/x') + head('GET /smuggled'))
    assert.equal((await one.response()).status, 502)
    assert.equal(await one.rest(), '')
    await until('it is closed', () => worker.sockets[0]?.closed === true)
    assert.ok(!worker.received.includes('smuggled'))
    assert.equal(app.pool.metrics.failed, 1)
    await servesOn()
  })

  test('a server that chooses carries WebSockets', { skip }, async (t) => {
    const { app, client, worker } = await choosing(t)
    const one = await client(upgradeHead('/x'))
    await until('it is asked', () => worker.requests.length === 1)
    assert.deepEqual(seen(worker.requests[0], 'upgrade'), ['websocket'])
    assert.equal((await one.response()).body, OK.slice(-2), 'a worker may refuse')
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })
}
