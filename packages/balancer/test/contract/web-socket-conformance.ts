import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { startApp, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import { head, stage, type Create } from '../support/hostile.ts'
import { listenAsWorker } from '../support/tls-workers.ts'
import { header, type Message } from '../support/message.ts'
import { seen } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { switched, upgradeHead } from '../support/web-sockets.ts'

const FIELDS = [
  ['Sec-WebSocket-Protocol', 'chat, superchat;v=2,x'],
  ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits, x-odd;a="b, c" ,  bbf-usp'],
  ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
  ['Sec-WebSocket-Version', '13, 8,7'],
  ['Sec-WebSocket-Odd', 'caf\xe9 \xff "\t"'],
] as const

/** What RFC 6455 says of the two ends holds with a balancer between them. */
export function webSocketConformance(create: Create): void {
  test('the fields of a handshake arrive byte for byte, both ways', async (t) => {
    const lines = FIELDS.map(([name, value]) => `${name}: ${value}`)
    const { client, worker } = await stage(t, create, switched(...lines))
    const one = await client(upgradeHead('/x', 'Upgrade', ...lines.slice(0, 2), ...lines.slice(4)))
    const answer = await one.response()
    const [request] = worker.requests
    for (const [name, value] of FIELDS) {
      assert.equal(header(answer, name.toLowerCase()), value)
      if (!/accept|version/i.test(name)) assert.deepEqual(seen(request, name), [value])
    }
    assert.deepEqual(seen(request, 'sec-websocket-key'), ['dGhlIHNhbXBsZSBub25jZQ=='])
    assert.deepEqual(seen(request, 'sec-websocket-version'), ['13'])
    assert.deepEqual(seen(request, 'sec-websocket-accept'), [])
  })

  test('both ends agree on a protocol and an extension', async (t) => {
    const { app, accepted } = await endToEnd(t, create)
    const client = await connect(t, app, ['chat', 'superchat'])
    const worker = await accepted
    assert.deepEqual([client.protocol, worker.protocol], ['superchat', 'superchat'])
    for (const end of [client, worker]) assert.match(end.extensions, /permessage-deflate/)
    const text = 'compress me '.repeat(10_000)
    client.send(text)
    assert.equal(String((await once(worker, 'message'))[0]), text)
    worker.send(text)
    assert.equal(String((await once(client, 'message'))[0]), text)
  })

  for (const [status, fields, body] of [
    ['401 Unauthorized', ['WWW-Authenticate: Basic realm="x"', 'Content-Length: 2'], 'no'],
    ['403 Forbidden', ['X-Why: caf\xe9', 'Transfer-Encoding: chunked'], '2\r\nno\r\n0\r\n\r\n'],
    ['404 Not Found', ['Content-Length: 0'], ''],
    ['426 Upgrade Required', ['Sec-WebSocket-Version: 13, 8', 'Content-Length: 2'], 'no'],
    ['302 Found', ['Location: http://other.test/x', 'Set-Cookie: a=1', 'Content-Length: 0'], ''],
    ['200 OK', ['Content-Length: 2'], 'no'],
    ['204 No Content', [], ''],
    ['503 Odd', ['Retry-After: 9', 'Content-Length: 2'], 'no'],
  ] as const)
    test(`a worker that answers a handshake ${status} is passed on, and gets nothing of what is behind it`, async (t) => {
      const refusal = `${[`HTTP/1.1 ${status}`, ...fields].join('\r\n')}\r\n\r\n${body}`
      const { client, worker, servesOn } = await stage(t, create, refusal)
      const one = await client(upgradeHead('/x') + head('GET /smuggled'))
      const answer = await one.response()
      assert.equal(`${answer.status} ${answer.reason}`, status)
      for (const field of fields) assert.ok(has(answer, field), field)
      assert.equal(answer.body, body.includes('no') ? 'no' : '')
      assert.equal(header(answer, 'connection'), 'close')
      assert.equal(await one.rest(), '')
      await servesOn()
      assert.ok(!worker.received.includes('smuggled'))
    })

  for (const [code, reason] of [
    [1000, ''],
    [1001, 'going away'],
    [1011, 'caf\xe9'],
    [3000, 'x'.repeat(123)],
    [4999, 'mine'],
    [undefined, ''],
  ] as const)
    for (const who of ['client', 'worker'] as const)
      test(`a ${who} that closes with ${code ?? 'no code'} is understood`, async (t) => {
        const { app, accepted } = await endToEnd(t, create)
        const client = await connect(t, app)
        const worker = await accepted
        const [from, to] = who === 'client' ? [client, worker] : [worker, client]
        const closed = [once(to, 'close'), once(from, 'close')]
        from.close(code, reason)
        for (const [got, why] of (await Promise.all(closed)) as [number, Buffer][])
          assert.deepEqual([got, why.toString()], [code ?? 1005, reason])
        await until('nobody is active', () => app.pool.metrics.active === 0)
        assert.equal(app.pool.metrics.failed, 0)
      })
}

function has(answer: Message, field: string): boolean {
  return answer.headers.some(([name, value]) => `${name}: ${value}`.toLowerCase() === field.toLowerCase())
}

/** A worker that takes `superchat` and compresses, and the first connection it gets. */
async function endToEnd(
  t: TestContext,
  create: Create,
): Promise<{ app: TestApp; accepted: Promise<WebSocket> }> {
  noCrashes(t)
  const server = createServer()
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (protocols) => protocols.has('superchat') && 'superchat',
  })
  const { url } = await listenAsWorker(t, server)
  const accepted = new Promise<WebSocket>((resolve) => void sockets.once('connection', resolve))
  return { app: await startApp(t, [url], { forwarder: create() }), accepted }
}

async function connect(t: TestContext, { port }: TestApp, protocols: string[] = []): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, protocols)
  t.after(() => client.terminate())
  await once(client, 'open')
  return client
}
