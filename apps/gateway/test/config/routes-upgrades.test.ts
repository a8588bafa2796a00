import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { exchange } from '../raw.ts'
import { covers } from './covers.ts'
import { start, startWorker } from './running.ts'

interface Refusal {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What a client is answered instead of a WebSocket. */
async function refusal(t: TestContext, url: string): Promise<Refusal> {
  const socket = new WebSocket(url)
  t.after(() => socket.terminate())
  socket.on('error', () => {})
  const [, res] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  let body = ''
  for await (const chunk of res.setEncoding('utf8')) body += chunk
  return { status: res.statusCode ?? 0, headers: res.headers, body }
}

for (const forwarder of ['http-proxy-middleware', 'undici'])
  test(`a WebSocket goes to the pool of its route, by ${forwarder}`, async (t) => {
    covers('routes[].pool', 'routes[].strip', 'routes[].host')
    const [chat, other] = [await startWorker(t, 'chat'), await startWorker(t, 'other')]
    const { port } = await start(t, {
      pools: { chat: { workers: [chat.url], forwarder }, other: { workers: [other.url], forwarder } },
      routes: [
        { host: 'other.test', pool: 'other' },
        { path: '/chat', pool: 'chat', strip: true },
      ],
    })
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat/room?x`)
    t.after(() => socket.terminate())
    await once(socket, 'open')
    socket.send('hello')
    const [data] = (await once(socket, 'message')) as [Buffer]
    assert.equal(data.toString(), 'hello')
    assert.deepEqual(
      chat.seen.map(({ url }) => url),
      ['/room?x'],
    )
    const second = new WebSocket(`ws://127.0.0.1:${port}/chat`, { headers: { Host: 'other.test' } })
    t.after(() => second.terminate())
    await once(second, 'open')
    assert.deepEqual(
      other.seen.map(({ url }) => url),
      ['/chat'],
    )
  })

test('an upgrade is given the answer of its route, or a 404 where there is none', async (t) => {
  covers('routes[].answer.status', 'routes[].answer.body', 'routes[].answer.type', 'routes[].redirect.to')
  const worker = await startWorker(t)
  const { port } = await start(t, {
    pools: { api: { workers: [worker.url] } },
    routes: [
      { path: '/gone', answer: { status: 410, body: 'it has moved' } },
      { path: '/json', answer: { status: 403, body: '{"no":1}', type: 'application/json' } },
      { path: '/bare', answer: { status: 429 } },
      { path: '/none', answer: { status: 204 } },
      { path: '/moved', redirect: { to: 'https://new.test$path', status: 308 } },
      { path: '/api', pool: 'api' },
    ],
  })
  const at = (path: string): Promise<Refusal> => refusal(t, `ws://127.0.0.1:${port}${path}`)
  const gone = await at('/gone')
  assert.deepEqual(
    [gone.status, gone.headers['content-type'], gone.body, gone.headers.connection],
    [410, 'text/plain; charset=utf-8', 'it has moved', 'close'],
  )
  const json = await at('/json')
  assert.deepEqual(
    [json.status, json.headers['content-type'], json.body],
    [403, 'application/json', '{"no":1}'],
  )
  const bare = await at('/bare')
  assert.deepEqual([bare.status, bare.headers['content-type'], bare.body], [429, undefined, ''])
  const none = await at('/none')
  assert.deepEqual([none.status, none.headers['content-length'], none.body], [204, undefined, ''])
  const moved = await at('/moved?x')
  assert.deepEqual([moved.status, moved.headers.location, moved.body], [308, 'https://new.test/moved?x', ''])
  const nowhere = await at('/nowhere')
  assert.deepEqual([nowhere.status, nowhere.body], [404, 'no route takes this\n'])
  assert.deepEqual(worker.seen, [])
})

test('an answer to an upgrade does not come before those that are still owed', async (t) => {
  covers('routes[].answer.status')
  const worker = await startWorker(t)
  const { port } = await start(t, {
    workers: [worker.url],
    routes: [{ path: '/gone', answer: { status: 410, body: 'gone' } }],
  })
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  const all = await exchange(
    t,
    port,
    `GET /?delay=300 HTTP/1.1\r\nHost: a\r\n\r\nGET /gone HTTP/1.1\r\nHost: a\r\n${upgrade}`,
  )
  assert.doesNotMatch(all, /410/)
})
