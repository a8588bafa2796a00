import assert from 'node:assert/strict'
import { test } from 'node:test'
import { head, OK, stage, type Create } from '../support/hostile.ts'
import { header } from '../support/message.ts'
import { seen } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'

/** What becomes of connections, and of clients that use them as few do. */
export function connections(create: Create): void {
  test('serves a client of HTTP/1.0, and closes its connection', async (t) => {
    const { client, servesOn } = await stage(t, create)
    const one = await client('GET /x HTTP/1.0\r\nHost: example.test\r\n\r\n')
    const { status, body, headers } = await one.response()
    assert.deepEqual([status, body, header({ headers }, 'connection')], [200, 'ok', 'close'])
    assert.equal(await one.rest(), '')
    await servesOn()
  })

  test('a worker that leaves the pool finishes what it carries, and its idle connections are closed', async (t) => {
    let answer: (() => void) | undefined
    const { app, client, worker } = await stage(t, create, (socket, { path }) => {
      if (path === '/slow') answer = () => void socket.write(OK)
      else socket.write(OK)
    })
    const [slow, quick] = [await client(head('GET /slow')), await client(head('GET /quick'))]
    assert.equal((await quick.response()).status, 200)
    await until('both are asked', () => worker.requests.length === 2)
    void app.pool.remove(app.pool.workers[0]?.id ?? '')
    await until('the idle one is closed', () => worker.sockets.some((socket) => socket.closed))
    assert.ok(
      worker.sockets.some((socket) => !socket.closed),
      'the other carries a request',
    )
    answer?.()
    assert.equal((await slow.response()).body, 'ok')
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })

  test('serves a client of HTTP/1.0 that has no Host', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client('GET /x HTTP/1.0\r\n\r\n')
    assert.equal((await one.response()).status, 200)
    assert.equal(seen(worker.requests[0], 'host').length, 1)
    await servesOn()
  })

  test('tells a client of HTTP/1.0 that asks for keep-alive what becomes of its connection', async (t) => {
    const { client, servesOn } = await stage(t, create)
    const request = 'GET /x HTTP/1.0\r\nHost: example.test\r\nConnection: keep-alive\r\n\r\n'
    const one = await client(request)
    const first = await one.response()
    assert.deepEqual([first.status, first.body], [200, 'ok'])
    if (header(first, 'connection') === 'keep-alive') {
      one.send(request)
      assert.equal((await one.response()).status, 200)
    } else assert.equal(await one.rest(), '')
    await servesOn()
  })

  test('decodes chunks for a client of HTTP/1.0, and ends the body by closing', async (t) => {
    const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n'
    const { client, servesOn } = await stage(t, create, chunks)
    for (const connection of ['', 'Connection: keep-alive\r\n']) {
      const one = await client(`GET /x HTTP/1.0\r\nHost: example.test\r\n${connection}\r\n`)
      const { body, headers } = await one.response()
      assert.equal(body, 'abcdef')
      assert.equal(header({ headers }, 'transfer-encoding'), undefined)
      assert.equal(header({ headers }, 'connection'), 'close')
    }
    await servesOn()
  })

  test('closes the connection of a client that asks for it, and keeps its own to the worker', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(head('GET /x', 'Connection: close'))
    assert.equal(header(await one.response(), 'connection'), 'close')
    assert.equal(await one.rest(), '')
    await servesOn()
    assert.equal(worker.sockets.length, 1)
  })

  test('answers pipelined requests in their order', async (t) => {
    const { client, servesOn } = await stage(t, create, (socket, { path }) => {
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`
      if (path === '/1') setTimeout(() => socket.write(answer), 50)
      else socket.write(answer)
    })
    const names = Array.from({ length: 20 }, (_, i) => `/${i + 1}`)
    const one = await client(names.map((path) => head(`GET ${path}`)).join(''))
    for (const path of names) assert.equal((await one.response()).body, path)
    await servesOn(one)
  })

  test('lets go of pipelined requests whose client has left', async (t) => {
    const { app, client, worker, servesOn } = await stage(t, create, (socket, { path }) => {
      if (path === '/short') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      if (path === '/long')
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(900_000)}`)
    })
    const one = await client(
      ['/never', '/short', '/long', '/never'].map((path) => head(`GET ${path}`)).join(''),
    )
    await until('all are asked for', () => worker.requests.length === 4)
    one.socket.destroy()
    await until('nobody is active', () => app.pool.metrics.active === 0)
    await servesOn()
  })

  test('a HEAD has the headers of the body and no body', async (t) => {
    const { client, servesOn } = await stage(t, create, 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n')
    const one = await client(head('HEAD /x'))
    const message = await one.response({ head: true })
    assert.equal(header(message, 'content-length'), '1234')
    await servesOn(one)
  })

  for (const method of ['GET', 'DELETE', 'OPTIONS', 'QUERY'])
    test(`a ${method} with a body in chunks arrives whole, and smuggles nothing`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const inner = head('GET /smuggled')
      const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`
      const one = await client(`${head(`${method} /x`, 'Transfer-Encoding: chunked')}${chunk}`)
      assert.equal((await one.response()).status, 200)
      assert.deepEqual(seen(worker.requests[0], 'transfer-encoding'), ['chunked'])
      await servesOn(one)
      assert.deepEqual(
        worker.requests.map(({ path }) => path),
        ['/x', '/fine'],
      )
    })

  test('bytes of a header that are not ASCII arrive as they are', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(head('GET /x', 'X-Odd: caf\xe9 \xff\x80', 'X-Tab: a\tb'))
    assert.equal((await one.response()).status, 200)
    assert.deepEqual(seen(worker.requests[0], 'x-odd'), ['caf\xe9 \xff\x80'])
    await servesOn(one)
  })
}
