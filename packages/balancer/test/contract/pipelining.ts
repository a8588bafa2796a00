import assert from 'node:assert/strict'
import { test } from 'node:test'
import { head, OK, stage, type Create } from '../support/hostile.ts'
import { until } from '../support/until.ts'
import { switched, upgradeHead } from '../support/web-sockets.ts'

/** What ends HTTP on a connection, and hands it over to something else. */
const LAST: [what: string, bytes: string][] = [
  ['a CONNECT', 'CONNECT other.test:443 HTTP/1.1\r\nHost: other.test\r\n\r\n'],
  ['an upgrade to h2c', head('GET /x', 'Connection: Upgrade', 'Upgrade: h2c')],
  ['a WebSocket', upgradeHead('/ws')],
]

/** Requests that come before those ahead of them are answered (RFC 9112, 9.3.2). */
export function pipelining(create: Create): void {
  for (const [what, bytes] of LAST)
    for (const ahead of [1, 2, 20])
      test(`${what} behind ${ahead} unanswered leaves none under way`, async (t) => {
        const { app, client, servesOn } = await stage(t, create, () => {})
        const one = await client(head('GET /never').repeat(ahead) + bytes)
        await until('they have come', () => app.pool.metrics.total >= ahead)
        one.socket.destroy()
        await until('nobody is active', () => app.pool.metrics.active === 0, 1000)
        await servesOn()
      })

  for (const [what, answer] of [
    ['takes', switched()],
    ['refuses', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'],
  ] as const)
    test(`a WebSocket that a worker ${what} is not answered ahead of its turn`, async (t) => {
      const { app, client, servesOn } = await stage(t, create, (socket, { path }) => {
        if (path === '/ws') socket.write(answer)
        else setTimeout(() => socket.write(OK), 100)
      })
      const one = await client(head('GET /slow') + upgradeHead('/ws'))
      await until('there is an answer, or the end', () => one.isOver || one.received !== '')
      assert.match(one.received, /^(HTTP\/1\.1 200 |$)/)
      one.socket.destroy()
      await until('nobody is active', () => app.pool.metrics.active === 0)
      assert.equal(app.pool.metrics.failed, 0)
      await servesOn()
    })

  test('a WebSocket does not break into the answer ahead of it', async (t) => {
    const { client, servesOn } = await stage(t, create, (socket, { path }) => {
      socket.write(path === '/ws' ? switched() : 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc')
      if (path === '/slow') setTimeout(() => socket.write('def'), 100)
    })
    const one = await client(head('GET /slow'))
    await until('the answer has begun', () => one.received.endsWith('abc'))
    one.send(upgradeHead('/ws'))
    await until('the answer goes on, or is cut', () => one.isOver || !one.received.endsWith('abc'))
    assert.match(one.received, /\r\n\r\nabc(def|$)/)
    one.socket.destroy()
    await servesOn()
  })

  test('a WebSocket behind a request that was refused reaches no worker', async (t) => {
    const { client, worker, servesOn } = await stage(t, create, switched())
    const one = await client(head('GET /x', 'Host: other.test') + upgradeHead('/ws'))
    await until('the end', () => one.isOver || worker.requests.length > 0)
    await servesOn()
    assert.deepEqual(
      worker.requests.map(({ path }) => path),
      ['/fine'],
    )
  })

  for (const [what, request] of [
    ['GET', head('GET /x')],
    ['POST', `${head('POST /x', 'Content-Length: 2')}hi`],
  ] as const)
    test(`a WebSocket behind a ${what} that is answered stands`, async (t) => {
      const { client, worker } = await stage(t, create, (socket, { path }) => {
        socket.write(path === '/ws' ? switched() : OK)
      })
      const one = await client(request)
      assert.equal((await one.response()).status, 200)
      one.send(upgradeHead('/ws'))
      assert.equal((await one.response()).status, 101)
      one.send('hello')
      await until('it is heard', () => worker.received.endsWith('hello'))
      worker.sockets.at(-1)?.write('hi')
      await until('it is answered', () => one.received === 'hi')
    })
}
