import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { runningWorker } from './running.ts'

async function opened(t: TestContext, url: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws'))
  t.after(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

test('a WebSocket at any path echoes text as text and binary as binary, in order', async (t) => {
  const { url } = await runningWorker(t)
  const socket = await opened(t, `${url}/any/path?x=1`)
  const messages = ['hello', Buffer.from([0, 255, 1]), '', 'ä', Buffer.alloc(200_000, 'x')]
  const echoes: [Buffer, boolean][] = []
  socket.on('message', (data: Buffer, isBinary) => echoes.push([data, isBinary]))
  for (const message of messages) socket.send(message)
  while (echoes.length < messages.length) await once(socket, 'message')
  for (const [i, message] of messages.entries()) {
    assert.deepEqual(echoes[i], [Buffer.from(message), typeof message !== 'string'])
  }
})

test('a WebSocket that breaks the protocol is closed, and the others go on', async (t) => {
  const { url, port } = await runningWorker(t)
  const good = await opened(t, url)
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': 13,
    'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
  }
  const bad = await new Promise<Duplex>((resolve, reject) => {
    const req = request({ port, headers })
    req.on('upgrade', (_res, socket) => resolve(socket))
    req.on('error', reject).end()
  })
  const closed = once(bad.resume(), 'close')
  bad.write(Buffer.alloc(4, 0xff))
  await closed
  good.send('still here')
  assert.equal(String((await once(good, 'message'))[0]), 'still here')
})
