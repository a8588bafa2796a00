import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { exchange } from '../raw.ts'
import { covers } from './covers.ts'
import { ask, start, startWorker } from './running.ts'

for (const forwarder of ['http-proxy-middleware', 'undici']) {
  test(`strip takes the prefix off the path, by ${forwarder}`, async (t) => {
    covers('routes[].strip')
    const worker = await startWorker(t)
    const { url } = await start(t, {
      pools: { api: { workers: [worker.url], forwarder } },
      routes: [
        { path: '/api', pool: 'api', strip: true },
        { path: '/dir/', pool: 'api', strip: true },
        { path: '/whole', pool: 'api', strip: false },
      ],
    })
    for (const [asked, seen] of [
      ['/api', '/'],
      ['/api/', '/'],
      ['/api/x?y=/api', '/x?y=/api'],
      ['/api?x=%61', '/?x=%61'],
      ['/api//x', '//x'],
      ['/%61pi/%62%2f', '/b%2f'],
      ['/dir/x', '/x'],
      ['/whole/x', '/whole/x'],
      ['/whole/%78', '/whole/%78'],
    ] as const)
      assert.equal((await ask(url + asked)).got.url, seen, asked)
  })

  test(`rewrite puts another prefix in its place, by ${forwarder}`, async (t) => {
    covers('routes[].rewrite')
    const worker = await startWorker(t)
    const { url } = await start(t, {
      pools: { api: { workers: [worker.url], forwarder } },
      routes: [
        { path: '/old', pool: 'api', rewrite: '/new/v2/' },
        { path: '/root', pool: 'api', rewrite: '/' },
        { path: '/', pool: 'api', rewrite: '/below' },
      ],
    })
    for (const [asked, seen] of [
      ['/old', '/new/v2'],
      ['/old/x?y', '/new/v2/x?y'],
      ['/old?x', '/new/v2?x'],
      ['/root', '/'],
      ['/root/x', '/x'],
      ['/x', '/below/x'],
      ['/older', '/below/older'],
      ['/', '/below/'],
    ] as const)
      assert.equal((await ask(url + asked)).got.url, seen, asked)
  })

  test(`a URL in absolute form is stripped too, and its host stays the worker's, by ${forwarder}`, async (t) => {
    covers('routes[].strip', 'routes[].host')
    const worker = await startWorker(t)
    const { port } = await start(t, {
      pools: { api: { workers: [worker.url], forwarder } },
      routes: [{ host: 'api.test', path: '/api', pool: 'api', strip: true }],
    })
    for (const [asked, seen] of [
      ['http://api.test/api/x?y', '/x?y'],
      ['http://api.test/api', '/'],
    ] as const) {
      const answer = await exchange(
        t,
        port,
        `GET ${asked} HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n`,
      )
      assert.match(answer, /^HTTP\/1\.1 200 /)
      assert.equal(worker.seen.at(-1)?.url, seen)
      assert.equal(worker.seen.at(-1)?.headers.host, 'api.test')
    }
  })

  test(`headers are set and removed, of requests and upgrades, by ${forwarder}`, async (t) => {
    covers('routes[].headers.set.*', 'routes[].headers.remove[]')
    const worker = await startWorker(t)
    const { url, port } = await start(t, {
      pools: { api: { workers: [worker.url], forwarder } },
      routes: [
        {
          pool: 'api',
          headers: {
            set: { 'X-Tenant': 'ours', 'X-Bytes': 'caf\u00e9' },
            remove: ['Authorization', 'x-debug'],
          },
        },
      ],
    })
    const headers = {
      'x-tenant': 'theirs',
      'X-TENANT': 'theirs too',
      authorization: 'Basic eA==',
      'X-Debug': ['1', '2'],
      'x-kept': 'kept',
    }
    const assertChanged = (): void => {
      const got = worker.seen.at(-1)
      assert.equal(got?.headers['x-tenant'], 'ours')
      assert.equal(got?.headers['x-bytes'], 'caf\u00e9')
      assert.equal(got?.headers['x-kept'], 'kept')
      assert.equal(got?.headers.authorization, undefined)
      assert.equal(got?.headers['x-debug'], undefined)
      assert.ok(!String(got?.rawHeaders).includes('theirs'))
    }
    await ask(url, { headers })
    assertChanged()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { ...headers, 'X-Debug': '1' } })
    t.after(() => socket.terminate())
    await once(socket, 'open')
    assert.equal(worker.seen.length, 2)
    assertChanged()
  })

  test(`no client takes back a header that a route sets, by ${forwarder}`, async (t) => {
    covers('routes[].headers.set.*')
    const worker = await startWorker(t)
    const { port } = await start(t, {
      pools: { api: { workers: [worker.url], forwarder } },
      routes: [{ pool: 'api', headers: { set: { 'X-Tenant': 'ours' } } }],
    })
    const head = `GET / HTTP/1.1\r\nHost: a\r\nX-Other: 1\r\nConnection: close, X-Tenant, x-other\r\n\r\n`
    await exchange(t, port, head)
    assert.equal(worker.seen[0]?.headers['x-tenant'], 'ours')
    assert.equal(worker.seen[0]?.headers['x-other'], undefined)
  })

  test(`a Host that a route sets is what workers get, by ${forwarder}`, async (t) => {
    covers('routes[].headers.set.*')
    const worker = await startWorker(t)
    const { url } = await start(t, {
      pools: { api: { workers: [worker.url], forwarder } },
      routes: [{ pool: 'api', headers: { set: { Host: 'inner.test' } } }],
    })
    const { got } = await ask(url)
    assert.equal(got.headers.host, 'inner.test')
    assert.equal(got.rawHeaders.filter((name) => name.toLowerCase() === 'host').length, 1)
  })
}
