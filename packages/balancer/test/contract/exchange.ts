import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { startApp } from '../support/app.ts'
import type { Create } from '../support/hostile.ts'
import { until } from '../support/until.ts'
import { mirror, startWorker } from '../support/workers.ts'

/** What every forwarder does with an ordinary request. */
export function exchange(create: Create): void {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])
    test(`${method}, its path and its headers reach the worker`, async (t) => {
      const worker = await startWorker(t, mirror)
      const app = await startApp(t, [worker.url], { forwarder: create() })
      const hasBody = method !== 'GET'
      const answer = await fetch(`${app.url}/a?b=c`, {
        method,
        headers: { 'x-mine': '1', cookie: 'a=1; b=2' },
        ...(hasBody && { body: 'hello' }),
      })
      const got = (await answer.json()) as { headers: Record<string, string> }
      const { headers, ...rest } = got
      assert.deepEqual(rest, { method, url: '/a?b=c', length: hasBody ? 5 : 0 })
      assert.equal(headers['x-mine'], '1')
      assert.equal(headers['cookie'], 'a=1; b=2')
      assert.equal(headers['host'], `127.0.0.1:${app.port}`, 'the client named this host')
    })

  for (const status of [200, 201, 204, 206, 301, 304, 404, 418, 500, 502, 503, 599])
    test(`a worker's ${status} is the client's`, async (t) => {
      const worker = await startWorker(t, (_req, res) => {
        res.writeHead(status, 'As I Say', { location: '/x', etag: '"1"', 'x-mine': '1' }).end()
      })
      const app = await startApp(t, [worker.url], { forwarder: create() })
      const answer = await fetch(app.url, { redirect: 'manual' })
      assert.deepEqual([answer.status, answer.statusText], [status, 'As I Say'])
      for (const [name, value] of Object.entries({ location: '/x', etag: '"1"', 'x-mine': '1' }))
        assert.equal(answer.headers.get(name), value)
      assert.deepEqual([app.pool.metrics.failed, app.pool.metrics.retries], [0, 0])
    })

  for (const isChunked of [false, true])
    test(`7 MB go there and back as they were, ${isChunked ? 'in chunks' : 'with their length'}`, async (t) => {
      const worker = await startWorker(t, (req, res) => {
        const length = req.headers['content-length']
        if (length !== undefined) res.setHeader('content-length', length)
        req.pipe(res)
      })
      const app = await startApp(t, [worker.url], { forwarder: create() })
      const body = randomBytes(7_000_000)
      const init = isChunked ? { body: new Blob([body]).stream(), duplex: 'half' as const } : { body }
      const answer = await fetch(app.url, { method: 'POST', ...init })
      assert.equal(answer.headers.get('content-length'), isChunked ? null : String(body.length))
      assert.equal(hash(Buffer.from(await answer.arrayBuffer())), hash(body))
    })

  test('connections to a worker are kept and used again', async (t) => {
    const worker = await startWorker(t)
    let connections = 0
    worker.server.on('connection', () => connections++)
    const app = await startApp(t, [worker.url], { forwarder: create() })
    for (let i = 0; i < 20; i++) await (await fetch(app.url)).text()
    assert.equal(connections, 1)
  })

  test('close ends the connections to workers', async (t) => {
    const worker = await startWorker(t)
    let isClosed = false
    worker.server.once('connection', (socket) => socket.once('close', () => void (isClosed = true)))
    const app = await startApp(t, [worker.url], { forwarder: create() })
    await (await fetch(app.url)).text()
    await app.balance.close()
    await until('it is closed', () => isClosed)
  })
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
