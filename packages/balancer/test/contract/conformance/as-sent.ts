import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { networkInterfaces } from 'node:os'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { Strategy } from '../../../src/index.ts'
import { startApp, STEADY } from '../../support/app.ts'
import { whenWhole } from '../../support/conformance.ts'
import type { Lack } from '../../support/forwarders.ts'
import { head, OK, stage, type Create } from '../../support/hostile.ts'
import { deadPort, listen } from '../../support/listen.ts'
import { rawClient } from '../../support/raw-client.ts'
import { rawWorker, seen } from '../../support/raw-worker.ts'
import { until } from '../../support/until.ts'

const REPEATED = ['X-TWO: 1', 'Cookie: a=1', 'x-two: 2', 'Cookie: b=2', 'X-Camel: 3']

/** What the tables leave out: lines as they stand, addresses of IPv6, and what takes more than one worker or step. */
export function asSent(create: Create, lacks: ReadonlySet<Lack>): void {
  test('headers of a client keep their case and stay apart, or are in lower case and joined', async (t) => {
    const { client, worker } = await stage(t, create)
    await (await client(head('GET /x', ...REPEATED))).response()
    const named = (worker.requests[0]?.headers ?? []).filter((line) => /^(x-two|cookie|x-camel):/i.test(line))
    const joined = ['x-two: 1, 2', 'cookie: a=1; b=2', 'x-camel: 3']
    assert.deepEqual(named, lacks.has('headers as they are') ? joined : REPEATED)
  })

  test('headers of a worker keep their case and stay apart, or are in lower case and joined', async (t) => {
    const fields = ['X-TWO: 1', 'X-TWO: 2', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-Camel: 3']
    const { client } = await stage(t, create, OK.replace('\r\n', `\r\n${fields.join('\r\n')}\r\n`))
    const { headers } = await (await client(head('GET /x'))).response()
    const named = headers.filter(([name]) => /^(x-two|set-cookie|x-camel)$/i.test(name))
    const joined = ['x-two: 1, 2', 'set-cookie: a=1', 'set-cookie: b=2', 'x-camel: 3']
    assert.deepEqual(
      named.map((field) => field.join(': ')),
      lacks.has('headers as they are') ? joined : fields,
    )
  })

  test('no line of a head is said twice that may be there once', async (t) => {
    const { client, worker } = await stage(t, create)
    const claims = [
      'Via: 1.1 a',
      'X-Forwarded-For: 6.6.6.6',
      'X-Request-Id: a',
      'Max-Forwards: 5',
      'TE: trailers',
    ]
    await (await client(head('OPTIONS /x', ...claims, 'Connection: close'))).response()
    const names = (worker.requests[0]?.headers ?? []).map((line) => line.split(':', 1)[0]?.toLowerCase())
    assert.deepEqual(names, [...new Set(names)])
  })

  const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ address }) => address === '::1'),
  )
  for (const [host, address, node] of [
    ['::1', '::1', '"[::1]"'],
    ['::', '127.0.0.1', '127.0.0.1'],
  ] as const)
    test(`a client of ${address} on ${host} is told of as that`, { skip: !hasIPv6 }, async (t) => {
      const worker = await rawWorker(t, OK)
      const app = await startApp(t, [worker.url], { forwarder: create(), forwarded: true })
      const port = await listen(
        t,
        createServer((req, res) => void app.balance(req, res)),
        host,
      )
      const socket = connect(port, address)
      t.after(() => socket.destroy())
      socket.write('GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n')
      await until('the worker is asked', () => worker.requests.length === 1)
      assert.deepEqual(seen(worker.requests[0], 'x-forwarded-for'), [address])
      assert.deepEqual(seen(worker.requests[0], 'forwarded'), [`for=${node};host="[::1]:80";proto=http`])
      await until('it is answered', () => app.pool.metrics.active === 0)
    })

  for (const [what, isAnybodyThere, statuses] of [
    ['is not sent when no worker can be reached', false, [502]],
    ['is sent once, when the second worker can be reached', true, [100, 200]],
  ] as const)
    test(`100 Continue ${what}`, async (t) => {
      const dead = `http://127.0.0.1:${await deadPort()}`
      const worker = await rawWorker(t, whenWhole(OK))
      const strategy: Strategy = (eligible) => eligible[0]
      const app = await startApp(t, isAnybodyThere ? [dead, worker.url] : [dead], {
        forwarder: create(),
        pool: { ...STEADY, strategy },
      })
      app.server.on('checkContinue', app.server.listeners('request')[0] as RequestListener)
      const expecting = head('POST /x', 'Content-Length: 5', 'Expect: 100-continue')
      const client = await rawClient(t, app.port, expecting)
      for (const status of statuses) {
        assert.equal((await client.response()).status, status)
        client.send('hello')
      }
      assert.equal(worker.requests[0]?.body, isAnybodyThere ? 'hello' : undefined)
      await until('nobody is active', () => app.pool.metrics.active === 0)
    })

  test('a body in chunks that turns out too long is a 413, and is cut at the worker', async (t) => {
    const worker = await rawWorker(t, () => {})
    const app = await startApp(t, [worker.url], {
      forwarder: create(),
      pool: { ...STEADY, limits: { body: 5 } },
    })
    const chunk = '3\r\nabc\r\n'
    const client = await rawClient(t, app.port, head('POST /x', 'Transfer-Encoding: chunked') + chunk)
    await until('the worker has the first', () => worker.requests[0]?.body.startsWith('3\r\nabc') === true)
    client.send(`${chunk}0\r\n\r\n`)
    assert.equal((await client.response()).status, 413)
    await until('it is cut', () => worker.sockets[0]?.closed === true)
    assert.equal(worker.requests[0]?.isWhole, false)
    assert.equal(app.pool.metrics.failed, 0)
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })
}
