import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seen } from '../support/raw-worker.ts'
import { head, OK, stage, type Create } from '../support/hostile.ts'
import type { Lack } from '../support/forwarders.ts'
import { until } from '../support/until.ts'

/** What clients may send that is odd, wrong or malicious, byte by byte. */
export function hostileClients(create: Create, lacks: ReadonlySet<Lack>): void {
  const trailers: [string, string][] = [
    ['a bodyless GET', head('GET /x', 'Trailer: x-sum')],
    ['a GET that names itself', head('GET /x', 'Trailer: trailer, content-length', 'TE: trailers')],
    ['a bodyless DELETE', head('DELETE /x', 'Trailer: x-sum')],
    ['a bodyless POST', head('POST /x', 'Trailer: x-sum')],
    ['a POST with a length', `${head('POST /x', 'Trailer: x-sum', 'Content-Length: 3')}abc`],
    [
      'a POST in chunks with trailers',
      `${head('POST /x', 'Trailer: x-sum', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n`,
    ],
  ]
  for (const [what, bytes] of trailers)
    test(`${what} with a Trailer header is served, and no worker sees the header`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const one = await client(bytes)
      assert.equal((await one.response()).status, 200)
      assert.deepEqual(seen(worker.requests[0], 'trailer'), [])
      await servesOn(one)
    })

  for (const [what, connection] of [
    ['keeps the headers of one connection from workers', 'keep-alive, X-Mine'],
    ['does not let Connection strip what makes a message', 'close, X-Mine, Host, Content-Length'],
    ['does not let Connection strip what the balancer adds', 'x-forwarded-for, via, x-mine'],
  ] as const)
    test(what, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const hop = ['Keep-Alive: timeout=9', 'TE: trailers', 'Proxy-Connection: keep-alive']
      const mine = ['Proxy-Authorization: Basic eA==', 'Proxy: evil', 'X-Mine: 1', 'X-Theirs: 2']
      const request = head('POST /x', `Connection: ${connection}`, ...hop, ...mine, 'Content-Length: 2')
      const one = await client(`${request}hi`)
      assert.equal((await one.response()).status, 200)
      const [got] = worker.requests
      for (const name of ['keep-alive', 'te', 'proxy-connection', 'proxy-authorization', 'proxy', 'x-mine'])
        assert.deepEqual(seen(got, name), [], name)
      assert.deepEqual(seen(got, 'x-theirs'), ['2'])
      assert.deepEqual(seen(got, 'host'), ['example.test'])
      assert.deepEqual(seen(got, 'content-length'), ['2'])
      assert.deepEqual(seen(got, 'x-forwarded-for'), ['127.0.0.1'])
      assert.deepEqual(seen(got, 'via'), ['1.1 rondo'])
      await until('the body', () => got?.body === 'hi')
      await servesOn()
    })

  test('replaces what a client says of where it comes from', async (t) => {
    const { app, client, worker, servesOn } = await stage(t, create)
    const one = await client(
      head(
        'GET /x',
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-For: 7.7.7.7',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: evil.test',
        'X-Forwarded-Port: 1',
        'Forwarded: for=6.6.6.6',
      ),
    )
    assert.equal((await one.response()).status, 200)
    const [request] = worker.requests
    assert.deepEqual(seen(request, 'x-forwarded-for'), ['127.0.0.1'])
    assert.deepEqual(seen(request, 'x-forwarded-proto'), ['http'])
    assert.deepEqual(seen(request, 'x-forwarded-host'), ['example.test'])
    assert.deepEqual(seen(request, 'x-forwarded-port'), [String(app.port)])
    assert.deepEqual(seen(request, 'forwarded'), [])
    await servesOn(one)
  })

  const paths = [
    '/',
    '//',
    '//evil.test/x',
    '/%zz',
    '/a//b?x=%20&y=%C3%BC',
    '/a/../b/./c',
    '/a/%2e%2e/b',
    '/x?',
    '/x??a?b=c',
    '/x?a#b',
    '/a\\b|c"<>^`{}',
    `/${'long'.repeat(1000)}?${'q'.repeat(4000)}`,
    "/x;y=1,z:@!$&'()*+",
  ]
  for (const path of paths)
    test(`asks a worker for ${path.slice(0, 30)} byte for byte`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const one = await client(head(`GET ${path}`))
      assert.equal((await one.response()).status, 200)
      assert.equal(worker.requests[0]?.head.split('\r\n')[0], `GET ${path} HTTP/1.1`)
      await servesOn(one)
    })

  for (const [target, path, host] of [
    ['http://other.test/p?q=1', '/p?q=1', 'other.test'],
    ['http://other.test:81', '/', 'other.test:81'],
    ['HTTP://user:pass@other.test//p', '//p', 'other.test'],
    ['http://other.test?q', '/?q', 'other.test'],
    ['https://other.test/%zz', '/%zz', 'other.test'],
  ] as const)
    test(`turns the absolute ${target} into a path and a Host`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const one = await client(head(`GET ${target}`))
      assert.equal((await one.response()).status, 200)
      assert.equal(worker.requests[0]?.path, path)
      assert.deepEqual(seen(worker.requests[0], 'host'), [host])
      await servesOn(one)
    })

  test('passes OPTIONS * on as it is', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(head('OPTIONS *'))
    const { status } = await one.response()
    const asked = worker.requests[0]?.head.split('\r\n')[0]
    if (lacks.has('OPTIONS *')) assert.deepEqual([status, asked], [501, undefined])
    else assert.deepEqual([status, asked], [200, 'OPTIONS * HTTP/1.1'])
    await servesOn(one)
  })

  test('answers a second Host with 400, and asks no worker', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(head('GET /x', 'hOST: other.test'))
    assert.equal((await one.response()).status, 400)
    await servesOn(one)
    assert.equal(worker.requests.length, 1)
  })

  for (const coding of ['identity', 'gzip, chunked', 'x, chunked'])
    test(`answers Transfer-Encoding: ${coding} with 501 or 400, and asks no worker`, async (t) => {
      const { client, worker, servesOn } = await stage(t, create)
      const one = await client(`${head('POST /x', `Transfer-Encoding: ${coding}`)}0\r\n\r\n`)
      const { status } = await one.response()
      assert.ok(status === 501 || status === 400, String(status))
      assert.equal(worker.requests.length, 0)
      await servesOn()
    })

  test('answers a request that is smuggling with 400, and asks no worker', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(
      `${head('POST /x', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\nGET`,
    )
    assert.equal((await one.response()).status, 400)
    assert.equal(worker.requests.length, 0)
    await servesOn()
  })

  test('sends 100 Continue itself, and no worker sees the Expect', async (t) => {
    const { client, worker, servesOn } = await stage(t, create, () => {})
    const one = await client(head('POST /x', 'Content-Length: 5', 'Expect: 100-continue'))
    assert.equal((await one.response()).status, 100)
    one.send('hello')
    await until('the body', () => worker.requests[0]?.body === 'hello')
    assert.deepEqual(seen(worker.requests[0], 'expect'), [])
    worker.sockets[0]?.write(OK)
    assert.equal((await one.response()).status, 200)
    await servesOn(one)
  })
}
