import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { suite, test, type TestContext } from 'node:test'
import express from 'express'
import { listen } from '../test/support/listen.ts'
import { answerError, answerUpgradeError } from './answer-error.ts'
import { BadGatewayError, GatewayTimeoutError, HttpError, NoWorkerError, WorkerFailure } from './errors.ts'

const refused = new WorkerFailure('10.0.0.7:3001', 'connect', new Error('connect ECONNREFUSED 10.0.0.7:3001'))

/** Every kind of error, and the status and text that clients get. */
const answers = [
  [new BadGatewayError(refused), 502, 'the worker failed to answer'],
  [new NoWorkerError(2), 503, 'no worker is available'],
  [new GatewayTimeoutError(refused), 504, 'the worker took too long'],
  [new HttpError(400, 'a request has one Host header'), 400, 'a request has one Host header'],
  [new TypeError('cannot read 10.0.0.7 of undefined'), 500, 'something went wrong'],
  [refused, 500, 'something went wrong'],
  ['a string', 500, 'something went wrong'],
  [undefined, 500, 'something went wrong'],
] as const

async function answering(t: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(listener))}`
}

suite('an error is answered', () => {
  for (const [error, status, text] of answers)
    test(`with ${status} and no word of stacks or addresses: ${String(error)}`, async (t) => {
      const url = await answering(t, (req, res) => answerError(error, req, res))
      for (const [accept, type, body] of [
        [
          'application/json',
          'application/json; charset=utf-8',
          `${JSON.stringify({ error: text, status })}\n`,
        ],
        ['text/plain', 'text/plain; charset=utf-8', `${text}\n`],
      ] as const) {
        const res = await fetch(url, { headers: { accept } })
        assert.deepEqual(
          [res.status, res.headers.get('content-type'), await res.text()],
          [status, type, body],
        )
        assert.doesNotMatch(`${body}${JSON.stringify([...res.headers])}`, /10\.0\.0\.7|node:|\.ts|ECONN/)
      }
    })

  for (const [accept, type] of [
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/json'],
    ['text/html', 'application/json'],
    ['image/png', 'application/json'],
    ['application/json, text/plain;q=0.5', 'application/json'],
    ['text/plain;q=0.5, application/json;q=0.4', 'text/plain'],
    ['text/*', 'text/plain'],
    ['text/plain, */*;q=0.1', 'text/plain'],
    ['application/json;q=0, */*', 'text/plain'],
    ['nonsense', 'application/json'],
  ] as const)
    test(`in ${type} to who accepts ${accept ?? 'what there is'}`, async (t) => {
      const port = await listen(
        t,
        createServer((req, res) => answerError(new NoWorkerError(2), req, res)),
      )
      const socket = connect(port, '127.0.0.1')
      t.after(() => socket.destroy())
      const lines = [
        'GET / HTTP/1.1',
        'Host: x',
        'Connection: close',
        ...(accept ? [`Accept: ${accept}`] : []),
      ]
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      const answer = (await socket.toArray()).join('')
      assert.match(answer, new RegExp(`^content-type: ${type}; charset=utf-8\r$`, 'm'))
    })

  test('with Retry-After where it is 503', async (t) => {
    const url = await answering(t, (req, res) => answerError(new NoWorkerError(7), req, res))
    assert.equal((await fetch(url)).headers.get('retry-after'), '7')
  })

  test('without a body to HEAD, with the length it would have', async (t) => {
    const url = await answering(t, (req, res) => answerError(new NoWorkerError(7), req, res))
    const res = await fetch(url, { method: 'HEAD' })
    assert.equal(await res.text(), '')
    assert.equal(
      res.headers.get('content-length'),
      String('{"error":"no worker is available","status":503}\n'.length),
    )
  })

  test('by cutting the connection when the response has begun', async (t) => {
    const url = await answering(t, (req, res) => {
      res.writeHead(200, { 'content-length': 10 })
      res.write('half', () => answerError(new BadGatewayError(refused), req, res))
    })
    await assert.rejects(async () => (await fetch(url)).text())
  })
})

suite("Express's own error handler", () => {
  for (const [error, status] of answers.slice(0, 4))
    test(`answers ${status} too`, async (t) => {
      const logged = new Promise((resolve) => t.mock.method(console, 'error', resolve))
      const app = express().set('env', 'production')
      app.use((_req, _res, next) => next(error))
      const res = await fetch(await answering(t, app))
      assert.equal(res.status, status)
      assert.equal(res.headers.get('retry-after'), status === 503 ? '2' : null)
      assert.doesNotMatch(await res.text(), /10\.0\.0\.7|node:|\.ts|ECONN/)
      assert.ok(await logged, 'Express has it in its log')
    })
})

suite('an upgrade that fails is answered', () => {
  async function refusal(t: TestContext, error: unknown): Promise<string> {
    const server = createServer()
    server.on('upgrade', (_req, socket) => answerUpgradeError(error, socket))
    const socket = connect(await listen(t, server), '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    return (await socket.toArray()).join('')
  }

  for (const [error, status, text] of answers)
    test(`with ${status} in one line of text, and the connection ends: ${String(error)}`, async (t) => {
      const [head = '', body] = (await refusal(t, error)).split('\r\n\r\n')
      assert.match(head, new RegExp(String.raw`^HTTP/1\.1 ${status} [A-Z][A-Za-z ]+\r\n`))
      assert.match(head, new RegExp(`^content-length: ${text.length + 1}\r$`, 'm'))
      assert.match(head, /^connection: close$/m)
      assert.equal(head.includes('Retry-After: 2'), status === 503)
      assert.equal(body, `${text}\n`)
    })

  /** Has an upgrade answered; `before` is done to the socket first. Resolves once the socket has closed. */
  async function closed(t: TestContext, before: (socket: Duplex) => void): Promise<void> {
    const server = createServer()
    const socket = connect({ port: await listen(t, server), host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => socket.destroy())
    socket.on('error', () => {}).resume()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    await new Promise<void>((resolve) => {
      server.on('upgrade', (_req, socket) => {
        socket.on('close', resolve)
        before(socket)
        answerUpgradeError(new NoWorkerError(2), socket)
      })
    })
  }

  test('and the connection closes, also when the client keeps its side open', (t) => closed(t, () => {}))

  test('with nothing when the client has gone', (t) => closed(t, (socket) => socket.destroy()))
})
