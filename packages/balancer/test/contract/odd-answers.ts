import assert from 'node:assert/strict'
import { test } from 'node:test'
import { head, OK, stage, type Create } from '../support/hostile.ts'
import type { Lack } from '../support/forwarders.ts'
import { header } from '../support/message.ts'
import { until } from '../support/until.ts'

/** What workers may answer that is odd, and is mended or passed on. */
export function oddAnswers(create: Create, lacks: ReadonlySet<Lack>): void {
  const trailers = 'Trailer: x-sum\r\n'
  for (const [what, answer, request, body] of [
    ['a length', `HTTP/1.1 200 OK\r\n${trailers}Content-Length: 2\r\n\r\nok`, head('GET /x'), 'ok'],
    ['304', `HTTP/1.1 304 Not Modified\r\n${trailers}\r\n`, head('GET /x'), ''],
    ['204', `HTTP/1.1 204 No Content\r\n${trailers}\r\n`, head('GET /x'), ''],
    [
      'chunks and trailers',
      `HTTP/1.1 200 OK\r\n${trailers}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n`,
      head('GET /x'),
      'ok',
    ],
    [
      'chunks, to a client of HTTP/1.0',
      `HTTP/1.1 200 OK\r\n${trailers}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n`,
      'GET /x HTTP/1.0\r\nHost: example.test\r\n\r\n',
      'ok',
    ],
  ] as const)
    test(`a worker's Trailer header with ${what} is not passed on`, async (t) => {
      const { client, servesOn } = await stage(t, create, answer)
      const one = await client(request)
      const message = await one.response()
      assert.equal(message.body, body)
      assert.equal(header(message, 'trailer'), undefined)
      await servesOn()
    })

  for (const [what, reason, expected] of [
    ['control characters', 'O\x01\x07K', /^(OK)?$/],
    ['bytes that are not ASCII', 'caf\xe9 \x80', lacks.has('reason beyond ASCII') ? /^$/ : /^caf\xe9 \x80$/],
    ['nothing', '', /^(OK)?$/],
    ['a delete character', 'a\x7fb', /^(OK)?$/],
  ] as const)
    test(`a worker's reason phrase with ${what} harms nobody`, async (t) => {
      const { client, servesOn } = await stage(
        t,
        create,
        `HTTP/1.1 200 ${reason}\r\nContent-Length: 2\r\n\r\nok`,
      )
      const one = await client(head('GET /x'))
      const message = await one.response()
      if (message.status === 200) {
        assert.match(message.reason, expected)
        assert.equal(message.body, 'ok')
      } else assert.equal(message.status, 502)
      await servesOn(one)
    })

  test("the headers of a worker's connection are not passed on, nor those that Connection names", async (t) => {
    const hop = [
      'Connection: close, X-Mine, Content-Length',
      'Keep-Alive: timeout=77',
      'Proxy-Authenticate: Basic',
      'Proxy-Connection: close',
      'Upgrade: h2c',
      'X-Mine: 1',
      'X-Theirs: 2',
    ]
    const { client, servesOn } = await stage(t, create, (socket) => {
      socket.end(`HTTP/1.1 200 OK\r\n${hop.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`)
    })
    const one = await client(head('GET /x'))
    const message = await one.response()
    assert.notEqual(header(message, 'keep-alive'), 'timeout=77')
    for (const name of ['proxy-authenticate', 'proxy-connection', 'upgrade', 'x-mine'])
      assert.equal(header(message, name), undefined, name)
    assert.equal(header(message, 'x-theirs'), '2')
    assert.equal(header(message, 'content-length'), '2')
    assert.equal(header(message, 'connection'), 'keep-alive', "a worker's close is its own")
    await servesOn(one)
  })

  test('repeated Set-Cookie and other repeated headers stay apart or are joined as the RFC allows', async (t) => {
    const headers = 'Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2, c\r\nX-Two: 1\r\nX-Two: 2'
    const { client, servesOn } = await stage(
      t,
      create,
      `HTTP/1.1 200 OK\r\n${headers}\r\nContent-Length: 2\r\n\r\nok`,
    )
    const one = await client(head('GET /x'))
    const message = await one.response()
    const cookies = message.headers.filter(([name]) => name.toLowerCase() === 'set-cookie')
    assert.deepEqual(
      cookies.map(([, value]) => value),
      ['a=1; Path=/', 'b=2, c'],
    )
    assert.equal(header(message, 'x-two'), '1, 2')
    await servesOn(one)
  })

  for (const [what, answer] of [
    ['204 with a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'],
    ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n'],
    ['304 in chunks', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['204 in chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ] as const)
    test(`a worker's ${what} is an answer without a body`, async (t) => {
      const { client, servesOn } = await stage(t, create, answer)
      const one = await client(head('GET /x'))
      const message = await one.response()
      assert.equal(message.status, Number(answer.slice(9, 12)))
      assert.equal(header(message, 'transfer-encoding'), undefined)
      if (message.status === 204) assert.equal(header(message, 'content-length'), undefined)
      await servesOn(one)
    })

  test('an error with bytes behind it stays the error it is', async (t) => {
    const { app, client, servesOn } = await stage(
      t,
      create,
      'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nnogarbage\r\n\r\n',
    )
    const one = await client(head('GET /x'))
    const { status, body } = await one.response()
    assert.deepEqual([status, body], [404, 'no'])
    assert.equal(app.pool.metrics.failed, 0)
    await servesOn(one)
  })

  test('headers of a connection that a worker repeats are no fault, and stay behind', async (t) => {
    const hop =
      'Connection: X-One\r\nConnection: X-Two\r\nUpgrade: h2c\r\nUpgrade: other\r\nKeep-Alive: timeout=77'
    const { client, servesOn } = await stage(
      t,
      create,
      `HTTP/1.1 200 OK\r\n${hop}\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nContent-Length: 2\r\n\r\nok`,
    )
    const one = await client(head('GET /x'))
    const message = await one.response()
    assert.deepEqual([message.status, message.body], [200, 'ok'])
    for (const name of ['x-one', 'x-two', 'upgrade']) assert.equal(header(message, name), undefined, name)
    assert.equal(header(message, 'x-three'), '3')
    await servesOn(one)
  })

  test('interim answers do not hide the final one', async (t) => {
    const unasked = lacks.has('unasked 100') ? '' : 'HTTP/1.1 100 Continue\r\n\r\n'
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'
    const { client, servesOn } = await stage(
      t,
      create,
      `${unasked}${early}${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
    )
    const one = await client(head('GET /x'))
    let message = await one.response()
    while (message.status < 200) message = await one.response()
    assert.equal(message.body, 'ok')
    await servesOn(one)
  })

  test('a 100 Continue that nobody asked for is passed over, or a 502 where the forwarder cannot', async (t) => {
    const { client, servesOn } = await stage(t, create, (socket, { path }) => {
      socket.write(
        path === '/x' ? `HTTP/1.1 100 Continue\r\n\r\n${OK}` : OK.replace('2\r\n\r\nok', '4\r\n\r\nfine'),
      )
    })
    const one = await client(head('GET /x'))
    let message = await one.response()
    while (message.status < 200) message = await one.response()
    assert.equal(message.status, lacks.has('unasked 100') ? 502 : 200)
    await servesOn(one)
  })

  test('an answer without a length ends with its connection', async (t) => {
    const { client, servesOn } = await stage(t, create, (socket) => {
      socket.end('HTTP/1.0 200 OK\r\n\r\nto the end')
    })
    const one = await client(head('GET /x'))
    assert.equal((await one.response()).body, 'to the end')
    await servesOn(one)
  })

  test('bytes behind an answer reach nobody', async (t) => {
    const { client, servesOn } = await stage(
      t,
      create,
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    )
    const one = await client(head('GET /x'))
    assert.equal((await one.response()).body, 'ok')
    await servesOn(one)
    assert.equal(one.received, '')
  })

  test('bytes that a worker sends unasked between two requests reach nobody', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(head('GET /x'))
    assert.equal((await one.response()).body, 'ok')
    worker.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await until('the connection is given up', () => worker.sockets[0]?.closed === true)
    await servesOn(one)
  })

  test('a status that nobody knows is passed on', async (t) => {
    const { client, servesOn } = await stage(t, create, 'HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nok')
    const one = await client(head('GET /x'))
    const { status, reason, body } = await one.response()
    assert.deepEqual([status, reason, body], [799, 'Odd', 'ok'])
    await servesOn(one)
  })
}
