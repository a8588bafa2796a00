import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { answerTo, runningWorker, until } from './running.ts'

test('POST /echo gives the body back, with its type and length', async (t) => {
  const { url } = await runningWorker(t)
  const body = randomBytes(300_000)
  const res = await fetch(`${url}/echo`, { method: 'POST', headers: { 'content-type': 'image/x' }, body })
  assert.equal(res.headers.get('content-type'), 'image/x')
  assert.equal(res.headers.get('content-length'), '300000')
  assert.ok(Buffer.from(await res.arrayBuffer()).equals(body))
})

test('POST /echo answers while the upload is still going on', async (t) => {
  const { port } = await runningWorker(t)
  const req = request({ port, path: '/echo', method: 'POST' })
  req.write('first')
  const res = await answerTo(req)
  assert.equal(String((await once(res, 'data'))[0]), 'first')
  req.end('last')
  assert.equal(await text(res), 'last')
})

test('POST /echo takes no more than the client reads', async (t) => {
  const { port, server } = await runningWorker(t)
  let stalled = () => false
  server.once('request', (req: IncomingMessage, res: ServerResponse) => {
    stalled = () => res.writableNeedDrain && req.isPaused()
  })
  const req = request({ port, path: '/echo', method: 'POST' })
  t.after(() => req.destroy())
  const answer = answerTo(req)
  const chunk = Buffer.alloc(1024 * 1024)
  let room = true
  req.on('drain', () => (room = true))
  let sent = 0 // megabytes; the limit is far above what the sockets on the way can hold
  for (; sent < 64 && !stalled(); sent++) {
    room = req.write(chunk)
    await until(() => room || stalled())
  }
  assert.ok(stalled(), `the worker took all ${sent} MB, and nobody had read any`)
  req.end()
  let received = 0
  for await (const data of await answer) received += Buffer.byteLength(data)
  assert.equal(received, sent * chunk.length)
})

test('an upload that is cut short cuts the echo', async (t) => {
  const { port } = await runningWorker(t)
  const req = request({ port, path: '/echo', method: 'POST', headers: { 'content-length': 10 } })
  req.on('error', () => {})
  req.write('half')
  const res = await answerTo(req)
  req.destroy()
  await assert.rejects(text(res))
})

test('GET /events sends events one by one', async (t) => {
  const { url } = await runningWorker(t)
  const res = await fetch(`${url}/events?count=3&interval=5`)
  assert.equal(res.headers.get('content-type'), 'text/event-stream')
  assert.equal(await res.text(), 'id: 1\ndata: 1 of 3\n\nid: 2\ndata: 2 of 3\n\nid: 3\ndata: 3 of 3\n\n')
})

test('GET /events sends the first event at once, and stops when the client leaves', async (t) => {
  const { url, server } = await runningWorker(t)
  const leave = new AbortController()
  const res = await fetch(`${url}/events?interval=600000`, { signal: leave.signal })
  const first = await res.body?.getReader().read()
  assert.equal(Buffer.from(first?.value ?? []).toString(), 'id: 1\ndata: 1 of 10\n\n')
  leave.abort()
  server.close()
  await once(server, 'close')
})

test('GET /events refuses a count or an interval it cannot keep', async (t) => {
  const { url } = await runningWorker(t)
  for (const query of ['count=0', 'count=x', 'interval=-5']) {
    const res = await fetch(`${url}/events?${query}`)
    assert.equal(res.status, 400)
    assert.match(await res.text(), new RegExp(`"parameter":"${query.split('=')[0]}"`))
  }
})
