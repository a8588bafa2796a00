import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { workers } from '../test/support/fakes.ts'
import { record, served } from './served.ts'

const request = (headers = {}): IncomingMessage => ({ headers }) as IncomingMessage

test('of a request that loadBalance never had, nothing is told', () => {
  assert.equal(served(request()), undefined)
})

test('of a request that loadBalance has, it is told how far it has come', () => {
  const [req, other] = [request({ 'x-request-id': '7' }), request()]
  const open = record(req)
  assert.deepEqual(served(req), { id: '7', worker: undefined, attempts: 0, status: undefined })
  const [worker] = workers(1)
  Object.assign(open, { worker, attempts: 2, status: 200 })
  assert.deepEqual(served(req), { id: '7', worker, attempts: 2, status: 200 })
  assert.equal(served(other), undefined)
})

test('of a request that comes to a second loadBalance, the second tells', () => {
  const req = request()
  record(req).attempts = 3
  record(req)
  assert.equal(served(req)?.attempts, 0)
})

test('the record does not show in what loops over a request', () => {
  const req = request()
  record(req)
  assert.deepEqual(Object.keys(req), ['headers'])
})

test('a request without an X-Request-Id, or with an empty one, gets an id of its own', () => {
  const ids = [request(), request({ 'x-request-id': '' }), request()].map((req) => record(req).id)
  assert.equal(new Set(ids).size, 3)
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
})
