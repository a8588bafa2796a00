import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { header } from '../support/message.ts'
import { head, stage, type Create } from '../support/hostile.ts'
import { until } from '../support/until.ts'
import { switched, upgradeHead } from '../support/web-sockets.ts'

const BAD: [what: string, answer: string][] = [
  ['garbage', '\x00\x01\x02 not HTTP\r\n\r\n'],
  ['a page without a head', '<html>hello</html>'],
  ['the status 000', 'HTTP/1.1 000 No\r\nContent-Length: 2\r\n\r\nok'],
  ['the status 099', 'HTTP/1.1 099 No\r\nContent-Length: 2\r\n\r\nok'],
  ['a status of four digits', 'HTTP/1.1 2000 No\r\nContent-Length: 2\r\n\r\nok'],
  [
    '101, which nobody asked for',
    'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi',
  ],
  ['101 without an Upgrade', 'HTTP/1.1 101 Switching\r\n\r\n'],
  [
    'a length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc'],
  ['a zero in a header', 'HTTP/1.1 200 OK\r\nX-Odd: a\0b\r\nContent-Length: 2\r\n\r\nok'],
  ['a header of 100 KB', `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\nok`],
  ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nnot framed'],
  ['the transfer coding identity', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nnot framed'],
  [
    'chunks that are not the last coding',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nnot framed',
  ],
]

const CUT: [what: string, bytes: string][] = [
  ['in a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['behind a head', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'],
  ['in a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
  ['behind a head in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc'],
  ['between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ['in the last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n'],
]

const ENDS: [how: string, end: (socket: Socket) => void][] = [
  ['ends', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()],
]

/** What workers may answer that is odd, wrong or malicious, byte by byte. */
export function hostileWorkers(create: Create): void {
  for (const [what, answer] of BAD)
    test(`a worker that answers ${what} is a 502 that counts as failed`, async (t) => {
      const { app, client, servesOn } = await stage(t, create, answer)
      const one = await client(head('GET /x'))
      const { status, body } = await one.response()
      assert.equal(status, 502, body)
      assert.equal(app.pool.metrics.failed, 1)
      assert.deepEqual(app.pool.workers[0]?.outcomes.failed, 1)
      await servesOn(one)
    })

  for (const [how, end] of ENDS) {
    test(`a worker that ${how} the connection without an answer is a 502 that counts as failed`, async (t) => {
      const { app, client, servesOn } = await stage(t, create, (socket) => end(socket))
      const one = await client(head('GET /x'))
      assert.equal((await one.response()).status, 502)
      assert.equal(app.pool.metrics.failed, 1)
      await servesOn(one)
    })

    for (const [where, bytes] of CUT)
      test(`a worker that ${how} the connection ${where} never looks like a whole answer`, async (t) => {
        const { app, client, servesOn } = await stage(t, create, (socket) => {
          socket.write(bytes, () => setTimeout(end, 20, socket))
        })
        const one = await client(head('GET /x'))
        const answer = await one.response().catch((error: Error) => error)
        if (!(answer instanceof Error)) assert.equal(answer.status, 502)
        await until('the request is over', () => app.pool.metrics.active === 0)
        assert.equal(app.pool.metrics.failed, 1, 'counts as failed')
        assert.equal(app.pool.workers[0]?.outcomes.failed, 1, 'the attempt counts as failed')
        await servesOn()
      })
  }

  test('a worker that resets the connection in a body without a length never looks like a whole answer', async (t) => {
    const { app, client, servesOn } = await stage(t, create, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nabc', () => setTimeout(() => socket.resetAndDestroy(), 20))
    })
    const one = await client(head('GET /x'))
    await assert.rejects(one.response())
    await until('the request is over', () => app.pool.metrics.failed === 1)
    await servesOn()
  })

  test('a body that is cut does not look whole to a client of HTTP/1.0 either', async (t) => {
    const { app, client, servesOn } = await stage(t, create, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', () => {
        setTimeout(() => socket.end(), 20)
      })
    })
    const one = await client('GET /x HTTP/1.0\r\nHost: example.test\r\n\r\n')
    const failure = new Promise((resolve) =>
      one.socket.once('error', resolve).once('end', () => resolve('a clean end')),
    )
    assert.equal(((await failure) as { code?: string }).code, 'ECONNRESET')
    await until('the request is over', () => app.pool.metrics.failed === 1)
    await servesOn()
  })

  test('a worker that agrees to a WebSocket tells no length of it', async (t) => {
    for (const framing of ['Content-Length: 3', 'Transfer-Encoding: chunked']) {
      const { client } = await stage(t, create, switched(framing))
      const one = await client(upgradeHead())
      const answer = await one.response()
      assert.equal(answer.status, 101)
      for (const name of ['content-length', 'transfer-encoding'])
        assert.equal(header(answer, name), undefined) // RFC 9110, 8.6; RFC 9112, 6.1
      one.socket.destroy()
    }
  })

  test('an idle connection is not used for longer than a worker says', async (t) => {
    const { client, worker, servesOn } = await stage(
      t,
      create,
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok',
    )
    const one = await client(head('GET /x'))
    assert.notEqual(header(await one.response(), 'keep-alive'), 'timeout=1')
    await servesOn(one)
    assert.equal(worker.sockets.length, 2, 'a second less one second is too short to be of use')
  })
}
