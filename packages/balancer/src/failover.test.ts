import assert from 'node:assert/strict'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { suite, test } from 'node:test'
import { HttpError, WorkerFailure } from './errors.ts'
import { hasBody, mayFailOver as may, toFailover, type FailoverOptions } from './failover.ts'

const request = (method: string, headers: IncomingHttpHeaders = {}): IncomingMessage =>
  ({ method, headers }) as IncomingMessage
const mayFailOver = (failure: unknown, req: IncomingMessage, options: FailoverOptions = {}): boolean =>
  may(failure, req, toFailover(options))
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH', 'TRACE', 'BREW']
const NO_BODY = [{}, { 'content-length': '0' }]
const BODY = [
  { 'content-length': '1' },
  { 'transfer-encoding': 'chunked' },
  { 'content-length': '5242880', expect: '100-continue' },
]

suite('a request that no connection stood for', () => {
  for (const method of METHODS)
    test(`may go to another worker: ${method}, with and without a body`, () => {
      const failure = new WorkerFailure('a', 'connect', 'refused')
      for (const headers of [...NO_BODY, ...BODY])
        assert.equal(mayFailOver(failure, request(method, headers)), true)
    })
})

suite('a request whose connection was lost before a byte of the response', () => {
  for (const method of METHODS) {
    const isIdempotent = IDEMPOTENT.includes(method)
    test(`${isIdempotent ? 'may' : 'may not'} go to another worker: ${method} without a body`, () => {
      const failure = new WorkerFailure('a', 'request', 'reset')
      for (const headers of NO_BODY)
        assert.equal(mayFailOver(failure, request(method, headers)), isIdempotent)
    })

    test(`may ${isIdempotent ? 'only by retryOn' : 'not'} go to another worker after a timeout: ${method}`, () => {
      const failure = new WorkerFailure('a', 'request', 'silent', { timeout: true })
      for (const headers of NO_BODY) {
        assert.equal(mayFailOver(failure, request(method, headers)), false)
        assert.equal(mayFailOver(failure, request(method, headers), { retryOn: ['timeout'] }), isIdempotent)
      }
      for (const headers of BODY)
        assert.equal(mayFailOver(failure, request(method, headers), { retryOn: ['timeout'] }), false)
    })

    test(`may not go to another worker: ${method} with a body`, () => {
      const failure = new WorkerFailure('a', 'request', 'reset')
      for (const headers of BODY) assert.equal(mayFailOver(failure, request(method, headers)), false)
    })
  }
})

suite('a request may not go to another worker', () => {
  for (const method of METHODS)
    test(`once its response has begun: ${method}`, () => {
      const failure = new WorkerFailure('a', 'response', 'reset')
      for (const headers of [...NO_BODY, ...BODY])
        assert.equal(mayFailOver(failure, request(method, headers)), false)
    })

  for (const fault of [new TypeError('a bug'), new HttpError(413, 'too large'), 'text', undefined])
    test(`when no worker is to blame: ${String(fault)}`, () => {
      assert.equal(mayFailOver(fault, request('GET')), false)
    })
})

test('a body is what a length above 0 or a transfer coding announces', () => {
  for (const headers of NO_BODY) assert.equal(hasBody(request('POST', headers)), false)
  for (const headers of BODY) assert.equal(hasBody(request('GET', headers)), true)
})
