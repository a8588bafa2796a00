import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzStage } from '../support/fuzz-stage.ts'
import { head, OK, type Create } from '../support/hostile.ts'

const SMUGGLED = head('GET /smuggled')
/** The head of a request whose body is that one. */
const NEXT = head('POST /next', `Content-Length: ${SMUGGLED.length}`)

/** What `fuzz.long.ts` has found, once and for all. */
export function regressions(create: Create): void {
  const fields = ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 1']
  for (const [what, bytes, served] of [
    [
      'what follows an upgrade that is declined',
      [head('GET /x', 'Connection: Upgrade', 'Upgrade: h2c') + NEXT, SMUGGLED],
      ['/x'],
    ],
    ['what follows a WebSocket with a body', [`${head('GET /x', ...fields)}a${NEXT}`, SMUGGLED], ['/x']],
    ['what follows a request with two Hosts', [head('GET /x', 'Host: other.test') + SMUGGLED], []],
    [
      'what follows a coding that is not chunked',
      [head('GET /x', 'Transfer-Encoding: identity') + SMUGGLED],
      [],
    ],
    [
      'a request of HTTP/1.0 in chunks',
      ['GET /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
      [],
    ],
    ['what follows a request without a Host', ['GET /x HTTP/1.1\r\n\r\n' + SMUGGLED], []],
    ['a request of HTTP/0.9', ['GET /x HTTP/0.9\r\nHost: a\r\n\r\n'], []],
    ['a request of HTTP/2.0', ['GET /x HTTP/2.0\r\nHost: a\r\nConnection: close\r\n\r\n'], []],
  ] as const)
    test(`no worker gets ${what}`, async (t) => {
      const { talk, rests } = await fuzzStage(t, create, (_request, socket) => void socket.write(OK))
      const warm = await talk([head('GET /warm')])
      await warm.until('an answer', () => warm.received.endsWith('ok'))
      await rests() // a connection to the worker stands, so nothing waits for one
      const client = await talk(bytes)
      await client.until('the end', () => false)
      const { whole, partial } = await rests()
      assert.deepEqual(
        [...whole, ...partial].map(({ target }) => target),
        served,
      )
    })

  test('a connection that was said to close is not used again', async (t) => {
    const { talk, rests } = await fuzzStage(t, create, (_request, socket) => void socket.write(OK))
    const client = await talk([`${head('POST /x', 'Transfer-Encoding: chunked')}0\r\n\r\n`])
    await client.until('an answer', () => client.received.endsWith('ok'))
    await rests()
    await client.send([head('GET /y')])
    await client.until('another', () => client.received.split('HTTP/1.1 200').length === 3)
    await rests()
  })

  for (const [what, body] of [
    ['without a length', '\r\nabc'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ] as const)
    test(`a body ${what} that is reset does not look whole to a client of HTTP/1.0`, async (t) => {
      const { talk } = await fuzzStage(t, create, (_request, socket) => {
        socket.write(`HTTP/1.1 200 OK\r\n${body}`, () =>
          setImmediate(setImmediate, () => socket.resetAndDestroy()),
        )
      })
      const client = await talk(['GET /x HTTP/1.0\r\nHost: a\r\n\r\n'])
      await client.until('the end', () => false)
      assert.equal(client.over, 'broken')
    })
}
