import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { exchange } from '../raw.ts'
import { ask, SELDOM, start, startWorker, testInPools, until } from './running.ts'

/** A worker that is well, and takes no more connections when it is told to: its thread stands still. */
const STANDSTILL = `
  const { createServer } = require('node:http')
  const { parentPort } = require('node:worker_threads')
  const server = createServer((req, res) => res.setHeader('Connection', 'close').end())
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => parentPort.postMessage(server.address().port))
  parentPort.on('message', () => {
    parentPort.postMessage('still')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`

async function startStandstill(t: TestContext): Promise<{ url: string; stop(): Promise<void> }> {
  const thread = new Worker(STANDSTILL, { eval: true })
  t.after(() => thread.terminate())
  const [port] = (await once(thread, 'message')) as [number]
  async function stop(): Promise<void> {
    thread.postMessage('stop', [])
    await once(thread, 'message')
    for (let isFull = false; !isFull;) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      t.after(() => socket.destroy())
      isFull = await Promise.race([once(socket, 'connect').then(() => false), pause(300, true)])
    }
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}

testInPools('a connection must stand in time', ['timeouts.connect'], async (t, place) => {
  const worker = await startStandstill(t)
  const { url } = await start(
    t,
    place.file({ workers: [worker.url], health: { schedule: SELDOM }, timeouts: { connect: '100ms' } }),
  )
  assert.equal((await ask(url)).status, 200)
  await worker.stop()
  const begun = performance.now()
  assert.equal((await ask(url)).status, 504)
  assert.ok(performance.now() - begun < 2500) // the default is 3 s
})

testInPools('a response must begin in time', ['timeouts.response'], async (t, place) => {
  const worker = await startWorker(t)
  const { url } = await start(t, place.file({ workers: [worker.url], timeouts: { response: '100ms' } }))
  assert.equal((await ask(`${url}/?delay=20000`)).status, 504)
})

testInPools('a response must go on in time', ['timeouts.idle'], async (t, place) => {
  const worker = await startWorker(t)
  const { url } = await start(t, place.file({ workers: [worker.url], timeouts: { idle: '100ms' } }))
  await assert.rejects(ask(`${url}/?half`), /aborted|socket hang up|ECONNRESET/)
})

testInPools('a body of a request must go on in time', ['timeouts.body'], async (t, place) => {
  const worker = await startWorker(t)
  const { port } = await start(t, place.file({ workers: [worker.url], timeouts: { body: '100ms' } }))
  const answer = await exchange(t, port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf')
  assert.match(answer, /^HTTP\/1\.1 408 /)
})

testInPools('an upgrade must be answered in time', ['timeouts.upgrade'], async (t, place) => {
  const worker = await startWorker(t)
  const { port } = await start(t, place.file({ workers: [worker.url], timeouts: { upgrade: '100ms' } }))
  const answer = await exchange(
    t,
    port,
    'GET /silent HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  assert.match(answer, /^HTTP\/1\.1 504 /)
})

testInPools('a connection to a worker is kept for a time', ['keepAlive.idle'], async (t, place) => {
  for (const [idle, isKept] of [
    ['100ms', false],
    ['1h', true],
  ] as const) {
    const worker = await startWorker(t)
    const { url } = await start(
      t,
      place.file({ workers: [worker.url], health: { schedule: SELDOM }, keepAlive: { idle } }),
    )
    await ask(url)
    const { made } = worker.connections
    if (isKept) await pause(500)
    else await until('it is closed', () => worker.connections.open.size === 0)
    await ask(url)
    assert.equal(worker.connections.made, isKept ? made : made + 1, idle)
  }
})
