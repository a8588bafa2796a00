import assert from 'node:assert/strict'
import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { startApp } from '../support/app.ts'
import type { Lack } from '../support/forwarders.ts'
import { noCrashes } from '../support/crashes.ts'
import { head, type Create } from '../support/hostile.ts'
import { rawClient } from '../support/raw-client.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { echo, startWorker } from '../support/workers.ts'

/** Bodies flow as they come, both ways, and nobody is made to hold them. */
export function streaming(create: Create, lacks: ReadonlySet<Lack>): void {
  test('server-sent events arrive one by one', async (t) => {
    let events: ServerResponse | undefined
    const worker = await startWorker(t, (_req, res) => {
      events = res.writeHead(200, { 'content-type': 'text/event-stream' })
      events.flushHeaders()
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const answer = await fetch(app.url)
    assert.equal(answer.headers.get('content-type'), 'text/event-stream')
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      events?.write(event)
      assert.deepEqual(await reader?.read(), { done: false, value: event })
    }
    events?.end()
    assert.equal((await reader?.read())?.done, true)
  })

  test('an upload that trickles reaches the worker byte by byte, and the answer is the last', async (t) => {
    const worker = await rawWorker(t, (socket, got) => {
      const timer = setInterval(() => {
        if (got.body.length < 5) return
        clearInterval(timer)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }, 5)
      t.after(() => clearInterval(timer))
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, head('POST /x', 'Content-Length: 5'))
    for (const [i, byte] of Array.from('hello').entries()) {
      if (i > 0 || !lacks.has('head before body'))
        await until(`${i} bytes`, () => worker.requests[0]?.body.length === i)
      assert.equal(client.received, '')
      client.send(byte)
    }
    assert.equal((await client.response()).body, 'ok')
  })

  test('a slow reader holds the worker back', async (t) => {
    let sent = 0
    const worker = await startWorker(t, (_req, res) => {
      const chunk = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (sent < 100_000_000) {
          sent += chunk.length
          if (!res.write(chunk)) return void res.once('drain', more)
        }
        res.end()
      }
      more()
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, head('GET /x'))
    client.socket.pause()
    await settled(() => sent)
    assert.ok(sent > 0 && sent < 50_000_000, `${sent} bytes sent to nobody`)
    client.socket.destroy()
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })

  test('a slow worker holds the client back', async (t) => {
    let paused: IncomingMessage | undefined
    const worker = await startWorker(t, (req) => void (paused = req.pause()))
    const app = await startApp(t, [worker.url], { forwarder: create() })
    let sent = 0
    const req = request(app.url, { method: 'POST', headers: { 'content-length': 100_000_000 } })
    req.on('error', () => {})
    t.after(() => req.destroy())
    write(req, 100_000_000, (bytes) => void (sent = bytes))
    await settled(() => sent)
    assert.ok(paused && sent > 0 && sent < 50_000_000, `${sent} bytes sent to nobody`)
    req.destroy()
    paused?.resume() // a client's end lies behind what it has sent
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })

  for (const isChunked of [false, true])
    for (const closes of [false, true])
      test(`an early answer to a long upload (${isChunked ? 'chunks' : 'length'}${closes ? ', then the worker closes' : ''}) is passed on`, async (t) => {
        noCrashes(t)
        const worker = await startWorker(t, (_req, res) => {
          if (closes) res.setHeader('connection', 'close')
          res.writeHead(413).end('too much')
        })
        const app = await startApp(t, [worker.url], { forwarder: create() })
        const headers = isChunked ? {} : { 'content-length': 30_000_000 }
        const req = request(app.url, { method: 'POST', headers })
        const answer = new Promise<number | undefined>((resolve, reject) => {
          req.on('response', (res) =>
            res
              .resume()
              .on('end', () => resolve(res.statusCode))
              .on('error', reject),
          )
          req.on('error', reject)
        })
        t.after(() => req.destroy())
        write(req, 30_000_000, () => {})
        const status = await answer
        // A worker that closes at once, as Node does after chunks, may take its own answer back by that.
        assert.ok(status === 413 || ((closes || isChunked) && status === 502), String(status))
        await until('nobody is active', () => app.pool.metrics.active === 0)
        assert.equal((await fetch(`${app.url}/fine`)).status, 200)
      })

  test('the connection of a client that was answered early is of use again once its upload is over', async (t) => {
    const worker = await startWorker(t, (_req, res) => void res.writeHead(413).end('too much'))
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, head('POST /x', 'Content-Length: 300000'))
    const sent = lacks.has('head before body') ? 1 : 0
    client.send('x'.repeat(sent))
    assert.equal((await client.response()).status, 413)
    client.send('x'.repeat(300_000 - sent))
    client.send(head('GET /fine'))
    if (!client.isOver) assert.equal((await client.response()).body, 'fine')
  })

  test('a body and its answer flow at the same time', async (t) => {
    const worker = await startWorker(t, echo)
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(t, app.port, head('POST /x', 'Transfer-Encoding: chunked'))
    for (const part of ['one', 'two', 'three']) {
      client.send(`${part.length.toString(16)}\r\n${part}\r\n`)
      await until(part, () => client.received.includes(part))
    }
    client.send('0\r\n\r\n')
    assert.equal((await client.response()).body, 'onetwothree')
  })

  test('a body in chunks that are not well formed is cut, and the worker never takes it for whole', async (t) => {
    noCrashes(t)
    const ends: string[] = []
    const worker = await startWorker(t, (req) => {
      req
        .resume()
        .on('end', () => ends.push('whole'))
        .on('error', () => ends.push('cut'))
    })
    const app = await startApp(t, [worker.url], { forwarder: create() })
    const client = await rawClient(
      t,
      app.port,
      `${head('POST /x', 'Transfer-Encoding: chunked')}3\r\nabc\r\n`,
    )
    await until('the worker is asked', () => worker.requests.length === 1)
    client.send('zz\r\nabc\r\n')
    await until('the worker knows', () => ends.length === 1)
    assert.deepEqual(ends, ['cut'])
    await until('nobody is active', () => app.pool.metrics.active === 0)
    assert.equal(app.pool.metrics.failed, 0)
  })
}

/** Writes as fast as it is taken; tells how much was. */
function write(req: ClientRequest, length: number, told: (bytes: number) => void): void {
  const chunk = Buffer.alloc(64 * 1024)
  let sent = 0
  const more = (): void => {
    while (sent < length && !req.destroyed) {
      const part = chunk.subarray(0, Math.min(chunk.length, length - sent))
      sent += part.length
      told(sent)
      if (!req.write(part)) return void req.once('drain', more)
    }
    req.end()
  }
  more()
}

/** Resolves when a number that grows has stood still for 20 looks. */
async function settled(value: () => number): Promise<void> {
  let last = -1
  let still = 0
  await until('the flow stands still', () => {
    still = value() === last && last > 0 ? still + 1 : 0
    last = value()
    return still === 20
  })
}
