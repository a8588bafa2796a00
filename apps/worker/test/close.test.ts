import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { answerTo, runningWorker } from './running.ts'

const LONG = 60_000

test('on abort a request in flight is finished, and its connection closed', async (t) => {
  const stop = new AbortController()
  const { port, server } = await runningWorker(t, { signal: stop.signal, grace: LONG })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const arrived = once(server, 'request')
  const req = request({ port, agent, path: '/?delay=100' }).end()
  await arrived
  const closed = once(server, 'close')
  stop.abort()
  const res = await answerTo(req)
  assert.equal(res.headers.connection, 'close')
  assert.match(await text(res), /"path":"\/\?delay=100"/)
  await closed
})

test('on abort a kept connection whose answer had already begun is closed after it', async (t) => {
  const stop = new AbortController()
  const { port, server } = await runningWorker(t, { signal: stop.signal, grace: LONG })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const req = request({ port, agent, path: '/echo', method: 'POST' })
  req.write('a')
  const res = await answerTo(req)
  const closed = once(server, 'close')
  stop.abort()
  req.end('b')
  assert.equal(await text(res), 'ab')
  await closed
})

test('on abort a request that does not finish within the grace is cut', async (t) => {
  const stop = new AbortController()
  const { port, server } = await runningWorker(t, { signal: stop.signal, grace: 50 })
  const arrived = once(server, 'request')
  const req = request({ port, path: '/?delay=600000' }).end()
  const failed = once(req, 'error')
  await arrived
  const closed = once(server, 'close')
  stop.abort()
  await failed
  await closed
})

test('on abort WebSockets are told goodbye, and those that do not listen are cut', async (t) => {
  const stop = new AbortController()
  const { url, server } = await runningWorker(t, { signal: stop.signal, grace: 50 })
  const polite = new WebSocket(url.replace('http', 'ws'))
  const deaf = new WebSocket(url.replace('http', 'ws'))
  await Promise.all([once(polite, 'open'), once(deaf, 'open')])
  t.after(() => deaf.terminate())
  deaf.pause()
  const closed = once(server, 'close')
  stop.abort()
  assert.deepEqual((await once(polite, 'close'))[0], 1001)
  await closed
})

test('on abort nothing new is accepted', async (t) => {
  const stop = new AbortController()
  const { url, server } = await runningWorker(t, { signal: stop.signal })
  const closed = once(server, 'close')
  stop.abort()
  await closed
  await assert.rejects(fetch(url))
})
