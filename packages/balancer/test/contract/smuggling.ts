import assert from 'node:assert/strict'
import { test } from 'node:test'
import { head, stage, type Create, type Stage } from '../support/hostile.ts'
import { seen } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { UNCHUNKED, UNFRAMED, UNREADABLE } from './smuggled-requests.ts'

const CHUNKED = 'Transfer-Encoding: chunked'

const SMUGGLED = head('GET /smuggled')

/** Requests that one reader takes for one and another for two, or for none (RFC 9112, 11.2). */
export function smuggling(create: Create): void {
  for (const [what, bytes] of [...UNREADABLE, ...UNFRAMED, ...UNCHUNKED])
    test(`a request with ${what} is refused and its connection closed, in one piece or many`, async (t) => {
      const scene = await stage(t, create, () => {})
      await isRefused(scene, [bytes + SMUGGLED])
      if (bytes.length < 1000) await isRefused(scene, Array.from(bytes + SMUGGLED))
      await scene.servesOn()
    })

  for (const [what, bytes] of UNCHUNKED)
    test(`a request with ${what} that is answered early ends its connection all the same`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const start = bytes.indexOf('\r\n\r\n') + 4
      const one = await client(`${bytes.slice(0, start)}1\r\na\r\n`)
      assert.equal((await one.response()).status, 200)
      one.send(bytes.slice(start) + SMUGGLED)
      await one.rest()
      assert.ok(headsIn(one.received) <= 1, one.received)
      await servesOn()
      assert.ok(!worker.received.includes('smuggled'))
    })

  for (const [what, bytes, body] of LEGAL)
    test(`a request with ${what} is served, and what is behind it too`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const one = await client(`${bytes}${head('GET /next')}`)
      for (const _ of [1, 2]) assert.equal((await one.response()).status, 200)
      await servesOn(one)
      assert.deepEqual(worker.requests.map(({ path }) => path).toSorted(), ['/fine', '/next', '/x'])
      const request = worker.requests.find(({ path }) => path === '/x')
      assert.deepEqual([request?.head.includes('_'), request?.body], [false, body])
      assert.equal(headsIn(worker.received), 3)
    })

  test('a length beyond what a number can hold is refused, or passed on as it is', async (t) => {
    const { app, client, worker, servesOn } = await stage(t, create, () => {})
    const length = '9007199254740993' // 2 ** 53 + 1
    const one = await client(`${head('POST /x', `Content-Length: ${length}`)}${SMUGGLED}`)
    await until('it is decided', () => one.isOver || worker.received.includes('/smuggled'))
    if (!one.isOver) assert.deepEqual(seen(worker.requests[0], 'content-length'), [length])
    assert.ok(worker.requests.length <= 1)
    one.socket.destroy()
    await until('nobody is active', () => app.pool.metrics.active === 0)
    await servesOn()
  })

  for (const method of ['GET', 'POST'])
    for (const [what, field, body] of [
      ['a length', `Content-Length: ${SMUGGLED.length}`, SMUGGLED],
      ['chunks', CHUNKED, `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`],
    ] as const)
      test(`a ${method} with ${what} behind more headers than Node keeps smuggles nothing`, async (t) => {
        const { client, worker, servesOn } = await stage(t, create)
        const one = await client(head(`${method} /x`, ...Array<string>(2000).fill('a:'), field) + body)
        const { status, headers } = await one.response()
        assert.ok([200, 400, 431].includes(status), String(status))
        await servesOn(headers.some(([, value]) => value === 'close') ? undefined : one)
        const paths = worker.requests.map(({ path }) => path)
        assert.deepEqual(
          paths.filter((path) => path !== '/x'),
          ['/fine'],
        )
      })

  test('what follows a request that asks to close is never served', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(`${head('GET /x', 'Connection: close')}${SMUGGLED}`)
    assert.match(await one.rest(), /^HTTP\/1\.1 (200|400) (?![^]*HTTP\/1)/) // Node may see what follows first, and refuse it
    await servesOn()
    assert.ok(!worker.received.includes('/smuggled'))
  })

  test('what a client sends behind a request with a length is a request of its own, never part of the first', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(`${head('POST /x', 'Content-Length: 3')}abc${SMUGGLED}`)
    for (const _ of [1, 2]) assert.equal((await one.response()).status, 200)
    assert.equal(worker.requests.find(({ path }) => path === '/x')?.body, 'abc')
    assert.deepEqual(seen(worker.requests.at(-1), 'x-forwarded-for'), ['127.0.0.1'])
    await servesOn(one)
  })
}

/** Name, bytes, and the body as it reaches a worker. */
const LEGAL: [what: string, bytes: string, body: string][] = [
  ['an empty line before it', `\r\n${head('GET /x')}`, ''],
  [
    'a coding behind a tab',
    `${head('POST /x', 'Transfer-Encoding:\tchunked')}1\r\na\r\n0\r\n\r\n`,
    '1\r\na\r\n0\r\n\r\n',
  ],
  [
    'a coding in capitals',
    `${head('POST /x', 'TRANSFER-ENCODING: CHUNKED')}1\r\na\r\n0\r\n\r\n`,
    '1\r\na\r\n0\r\n\r\n',
  ],
  ['a length with zeros before it', `${head('POST /x', 'Content-Length: 0003')}abc`, 'abc'],
  [
    'an underscore in Transfer_Encoding',
    `${head('POST /x', 'Transfer_Encoding: chunked', 'Content-Length: 3')}abc`,
    'abc',
  ],
  [
    'an underscore in Content_Length',
    `${head('POST /x', 'Content_Length: 99', 'Content-Length: 3')}abc`,
    'abc',
  ],
  [
    'chunk extensions, which no worker sees',
    `${head('POST /x', CHUNKED)}3;a=b;c="d;e"\r\nabc\r\n0;f\r\n\r\n`,
    '3\r\nabc\r\n0\r\n\r\n',
  ],
  [
    'zeros before a chunk size',
    `${head('POST /x', CHUNKED)}00003\r\nabc\r\n000\r\n\r\n`,
    '3\r\nabc\r\n0\r\n\r\n',
  ],
  [
    'trailers, which no worker sees',
    `${head('POST /x', CHUNKED)}3\r\nabc\r\n0\r\nHost: evil.test\r\nX-Sum: 1\r\n\r\n`,
    '3\r\nabc\r\n0\r\n\r\n',
  ],
]

/** Sends the pieces one by one: there is one refusal at most, the connection ends, and no worker gets a whole request. */
async function isRefused({ client, worker }: Stage, pieces: readonly string[]): Promise<void> {
  const before = worker.received.length
  const one = await client()
  one.socket.setNoDelay(true)
  for (const piece of pieces) {
    if (one.isOver) break
    one.send(piece)
    if (pieces.length > 1) await new Promise(setImmediate)
  }
  const answer = await one.rest()
  if (answer !== '') assert.match(answer, /^HTTP\/1\.1 (400|413|414|431|501|505) /)
  assert.ok(headsIn(answer) <= 1, answer)
  const got = worker.received.slice(before)
  assert.ok(!got.includes('smuggled'), got)
  assert.ok(headsIn(got) <= 1, got)
  if (got === '') return
  assert.match(
    got,
    /^POST \/x HTTP\/1\.1\r\n([^]*\r\n)?transfer-encoding: chunked\r\n/i,
    'no fault but in a chunk',
  )
  assert.doesNotMatch(got, /\r\n0\r\n\r\n$/, 'it is not whole')
  await until("the worker's connection is closed", () => worker.sockets.every((socket) => socket.closed))
}

function headsIn(text: string): number {
  return text.match(/HTTP\/1\.1( |\r\n)/g)?.length ?? 0
}
