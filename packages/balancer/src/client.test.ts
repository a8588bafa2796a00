import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import express from 'express'
import { listen } from '../test/support/listen.ts'
import { httpClient, peerIsTrusted } from './client.ts'

interface Seen {
  readonly ip: string | undefined
  readonly trusted: boolean
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
