import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import express from 'express'
import * as fc from 'fast-check'
import { listen } from '../test/support/listen.ts'
import { httpClient, peerIsTrusted, toTrust } from './client.ts'

interface Seen {
  readonly ip: string | undefined
  readonly trusted: boolean
}

/** A request without an app, as far as a client is told from it. */
function requestOf(headers: Record<string, string>, { url = '/', peer = '127.0.0.1' } = {}): IncomingMessage {
  return { url, headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage
}

/** Who asks, as an app with this `trust proxy` sees it; `undefined` is no app at all. */
async function seen(t: TestContext, trust: unknown, mounted = false): Promise<Seen> {
  let who: Seen | undefined
  const look = (req: IncomingMessage, res: { end(): unknown }): void => {
    who = { ip: httpClient(req).ip, trusted: peerIsTrusted(req) }
    res.end()
  }
  const app = express()
  if (trust !== undefined) app.set('trust proxy', trust)
  app.use(mounted ? express().use(look) : look)
  const port = await listen(t, createServer(trust === undefined ? look : app))
  await fetch(`http://127.0.0.1:${port}`, { headers: { 'x-forwarded-for': '192.0.2.9, 192.0.2.1' } })
  return who ?? assert.fail()
}

suite('who asks', () => {
  for (const [what, trust, expected] of [
    ['is the peer, without an app', undefined, { ip: '127.0.0.1', trusted: false }],
    ['is the peer, while the app trusts no proxy', false, { ip: '127.0.0.1', trusted: false }],
    ['is whom the one trusted proxy names', 1, { ip: '192.0.2.1', trusted: true }],
    ['is the first named, when all are trusted', true, { ip: '192.0.2.9', trusted: true }],
    ['is whom a proxy of a trusted network names', 'loopback', { ip: '192.0.2.1', trusted: true }],
    ['is the peer, when that is of no trusted network', '192.0.2.0/24', { ip: '127.0.0.1', trusted: false }],
  ] as const)
    test(what, async (t) => assert.deepEqual(await seen(t, trust), expected))

  test('is the same in an app that is mounted in another', async (t) => {
    assert.deepEqual(await seen(t, 1, true), { ip: '192.0.2.1', trusted: true })
  })

  test('is nobody once the peer is gone', () => {
    const req = { socket: { remoteAddress: undefined } } as IncomingMessage
    assert.equal(httpClient(req).ip, undefined)
    assert.equal(peerIsTrusted(req), false)
  })
})

suite('by trustedProxies, without an app, who asks', () => {
  for (const [what, proxies, forwarded, ip, trusted] of [
    ['is the peer, when none is trusted', [], '192.0.2.9', '127.0.0.1', false],
    ['is the peer, when it is not trusted', ['10.0.0.0/8'], '192.0.2.9', '127.0.0.1', false],
    ['is whom a trusted peer names', ['127.0.0.1'], '192.0.2.9', '192.0.2.9', true],
    [
      'is the last named that is not trusted',
      ['loopback', '10.0.0.0/8'],
      '192.0.2.9, 192.0.2.1, 10.1.2.3',
      '192.0.2.1',
      true,
    ],
    [
      'is the first named, when all are trusted',
      ['loopback', '10.0.0.0/8'],
      '10.0.0.9, 10.0.0.1',
      '10.0.0.9',
      true,
    ],
    ['is a trusted peer that names nobody', ['loopback'], undefined, '127.0.0.1', true],
    [
      'may have an IPv6 address',
      ['loopback', '2001:db8::/32'],
      '::1, 2001:dc8::1, 2001:db8::7',
      '2001:dc8::1',
      true,
    ],
  ] as const)
    test(what, () => {
      const req = requestOf(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })
      assert.equal(httpClient(req, toTrust(proxies)).ip, ip)
      assert.equal(peerIsTrusted(req), trusted)
    })

  test('knows an IPv4 peer on an IPv6 socket', () => {
    const req = requestOf({ 'x-forwarded-for': '192.0.2.9' }, { peer: '::ffff:10.0.0.1' })
    assert.equal(httpClient(req, toTrust(['10.0.0.0/8'])).ip, '192.0.2.9')
  })

  test('is nobody once the peer is gone, whatever its headers say', () => {
    const req = { headers: { 'x-forwarded-for': '192.0.2.9' }, socket: {} } as unknown as IncomingMessage
    assert.equal(httpClient(req, toTrust(['loopback'])).ip, undefined)
    assert.equal(peerIsTrusted(req), false)
  })

  test('goes by the app where there is one', () => {
    const app = { get: () => () => false }
    const req = Object.assign(requestOf({ 'x-forwarded-for': '192.0.2.9' }), { app, ip: '127.0.0.1' })
    assert.equal(httpClient(req, toTrust(['loopback'])).ip, '127.0.0.1')
    assert.equal(peerIsTrusted(req), false)
  })
})

suite('what a client sent', () => {
  const { header, cookie, query, path } = {
    header: (name: string, headers: Record<string, string>) => httpClient(requestOf(headers)).header(name),
    cookie: (name: string, sent: string) => httpClient(requestOf({ cookie: sent })).cookie(name),
    query: (name: string, url: string) => httpClient(requestOf({}, { url })).query(name),
    path: (url: string) => httpClient(requestOf({}, { url })).path,
  }

  test('as a header is found in whatever case it is asked for', () => {
    assert.equal(header('X-User', { 'x-user': 'ada' }), 'ada')
    assert.equal(header('x-user', {}), undefined)
    assert.equal(header('constructor', {}), undefined)
  })

  test('as a cookie is found among others, the first of its name, as it was sent', () => {
    assert.equal(cookie('id', 'a=1; id=7; id=8'), '7')
    assert.equal(cookie('id', 'xid=1; id = a=b%zz ;'), 'a=b%zz')
    assert.equal(cookie('id', 'ID=1; id; =id'), undefined)
    assert.equal(httpClient(requestOf({})).cookie('id'), undefined)
  })

  test('in the query is found decoded, the first of its name', () => {
    assert.equal(query('user', '/a?x=1&user=a%20b&user=c'), 'a b')
    assert.equal(query('user', '/a?users=1'), undefined)
    assert.equal(query('user', '/user=1'), undefined)
    assert.equal(query('user', '/?user'), '')
  })

  for (const [url, expected] of [
    ['/a/b?c=/d', '/a/b'],
    ['/', '/'],
    ['/?a', '/'],
    ['', '/'],
    ['*', '*'],
    ['http://a.test/b?c', '/b'],
    ['http://a.test', '/'],
    ['http://a.test?x=/y', '/'],
    ['//a/b', '//a/b'],
  ] as const)
    test(`as the URL "${url}" has the path ${expected}`, () => assert.equal(path(url), expected))

  test('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (sent, name, forwarded) => {
        const req = requestOf({ cookie: sent, 'x-forwarded-for': forwarded }, { url: sent })
        const client = httpClient(req, toTrust(['loopback']))
        void [client.ip, client.path, client.header(name), client.cookie(name), client.query(name)]
        void peerIsTrusted(req)
      }),
    )
  })
})

suite('a client speaks TLS', () => {
  /** What is known of a request by its socket and headers, under these `trustedProxies`. */
  function isSecure(encrypted: unknown, forwarded: string | undefined, proxies: readonly string[]): boolean {
    const req = requestOf(forwarded === undefined ? {} : { 'x-forwarded-proto': forwarded })
    Object.assign(req.socket, { encrypted })
    return httpClient(req, toTrust(proxies)).isSecure
  }

  for (const [what, encrypted, forwarded, proxies, expected] of [
    ['when its socket does', true, undefined, [], true],
    ['when its socket does, whatever its headers say', true, 'http', ['loopback'], true],
    ['not when nothing says so', undefined, undefined, ['loopback'], false],
    ['when a trusted proxy says so', undefined, 'https', ['loopback'], true],
    ['when a trusted proxy says so in capitals', undefined, 'HTTPS', ['loopback'], true],
    ['when the first of several says so', undefined, 'https, http', ['loopback'], true],
    ['not when another than the first says so', undefined, 'http, https', ['loopback'], false],
    ['not when it says so itself', undefined, 'https', [], false],
    ['not when a proxy that is not trusted says so', undefined, 'https', ['10.0.0.0/8'], false],
    ['not by what only begins alike', undefined, 'httpsx', ['loopback'], false],
  ] as const)
    test(what, () => assert.equal(isSecure(encrypted, forwarded, proxies), expected))

  for (const [what, trust, expected] of [
    ['as an app says that trusts its proxy', 1, true],
    ['not as an app says that trusts none', false, false],
  ] as const)
    test(what, async (t) => {
      let found: boolean | undefined
      const app = express().set('trust proxy', trust)
      app.use((req, res) => {
        found = httpClient(req, toTrust(['loopback'])).isSecure
        res.end()
      })
      const port = await listen(t, createServer(app))
      await fetch(`http://127.0.0.1:${port}`, { headers: { 'x-forwarded-proto': 'https' } })
      assert.equal(found, expected)
    })

  test('not once its socket is gone', () => {
    const req = { headers: { 'x-forwarded-proto': 'https' }, socket: {} } as unknown as IncomingMessage
    assert.equal(httpClient(req, toTrust(['loopback'])).isSecure, false)
  })
})
