import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import express from 'express'
import { listen } from '../test/support/listen.ts'
import type { HttpError } from './errors.ts'
import { toLimits } from './limits.ts'
import { refusal } from './refusal.ts'

const USUAL = { limits: toLimits(), trace: false }

/** What is said of a request that goes over a real connection, with what stands before loadBalance. */
async function refusalOf(
  t: TestContext,
  bytes: string,
  ...before: express.Handler[]
): Promise<HttpError | undefined> {
  let refused: HttpError | undefined
  const app = express()
  if (before.length > 0) app.use(...before)
  app.use((req, res) => {
    refused = refusal(req, USUAL)
    res.end()
  })
  const socket = connect(await listen(t, createServer({ requireHostHeader: false }, app)), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.end(bytes.replaceAll('\n', '\r\n'))
  assert.match((await socket.toArray()).join(''), /^HTTP\/1\.1 200 /)
  return refused
}

suite('a request is refused with 400', () => {
  for (const bytes of [
    'GET / HTTP/1.1\nHost: a\nHost: b\n\n',
    'GET / HTTP/1.1\nHost: a\nHost: a\n\n',
    'GET / HTTP/1.1\nhost: a\nX: y\nHOST: a\n\n',
  ])
    test(`when it has two Hosts: ${JSON.stringify(bytes)}`, async (t) => {
      assert.equal((await refusalOf(t, bytes))?.status, 400)
    })
})

suite('a request is refused with 501', () => {
  // the others never get so far: Node's parser answers them 400
  for (const coding of ['identity', 'gzip', 'gzip, chunked', 'chunked, chunked', 'x'])
    test(`when its transfer coding is ${coding}`, () => {
      const req = {
        httpVersion: '1.1',
        rawHeaders: [],
        headers: { host: 'a', 'transfer-encoding': coding },
      } as unknown as IncomingMessage
      assert.equal(refusal(req, USUAL)?.status, 501)
    })

  test('when it comes over a connection and its transfer coding is identity', async (t) => {
    assert.equal(
      (await refusalOf(t, 'POST / HTTP/1.1\nHost: a\nTransfer-Encoding: identity\n\n'))?.status,
      501,
    )
  })
})

suite('a request whose body is gone is refused with 500, and told to mount loadBalance first,', () => {
  const json = 'Host: a\nContent-Type: application/json\n'
  const isRefused = (refused: HttpError | undefined): void => {
    assert.equal(refused?.status, 500)
    assert.match(
      refused.message,
      /^the body of POST \/x was read.*; mount loadBalance before express\.json\(\)/,
    )
    assert.equal(refused.publicMessage, 'the request could not be forwarded')
  }

  for (const [what, body] of [
    ['with a length', 'Content-Length: 7\n\n{"a":1}'],
    ['in chunks', 'Transfer-Encoding: chunked\n\n7\n{"a":1}\n0\n\n'],
  ])
    test(`when express.json() has read it, ${what}`, async (t) => {
      isRefused(await refusalOf(t, `POST /x HTTP/1.1\n${json}${body}`, express.json()))
    })

  test('when something has read it chunk by chunk', async (t) => {
    const reading: express.Handler = async (req, _res, next) => {
      for await (const chunk of req) assert.ok(chunk)
      next()
    }
    isRefused(await refusalOf(t, `POST /x HTTP/1.1\n${json}Content-Length: 7\n\n{"a":1}`, reading))
  })

  test('when something has begun to read it', async (t) => {
    const reading: express.Handler = (req, _res, next) => {
      req.on('data', () => {})
      next()
    }
    isRefused(await refusalOf(t, `POST /x HTTP/1.1\n${json}Content-Length: 7\n\n{"a":1}`, reading))
  })

  test('when something has thrown it away', async (t) => {
    const dumping: express.Handler = (req, _res, next) => {
      req.resume().on('end', next)
    }
    isRefused(await refusalOf(t, `POST /x HTTP/1.1\n${json}Content-Length: 7\n\n{"a":1}`, dumping))
  })
})

suite('a request is not refused', () => {
  for (const [what, bytes] of [
    ['with one Host', 'GET / HTTP/1.1\nHost: a\n\n'],
    ['with headers that end in host', 'GET / HTTP/1.1\nHost: a\nX-Host: b\nHosts: c\n\n'],
    ['of HTTP/1.0 without a Host', 'GET / HTTP/1.0\n\n'],
    ['with a body', 'POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}'],
    ['with a body in Chunks', 'POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\n\n2\n{}\n0\n\n'],
    ['without a body', 'POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n'],
  ] as const)
    test(what, async (t) => assert.equal(await refusalOf(t, bytes), undefined))

  test('when express.json() stands before, and found no JSON to read', async (t) => {
    for (const bytes of [
      'GET / HTTP/1.1\nHost: a\n\n',
      'POST / HTTP/1.1\nHost: a\nContent-Type: text/csv\nContent-Length: 3\n\na,b',
      'POST / HTTP/1.1\nHost: a\nContent-Type: application/json\nContent-Length: 0\n\n',
    ])
      assert.equal(await refusalOf(t, bytes, express.json()), undefined)
  })
})
