import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  BadGatewayError,
  describe,
  GatewayTimeoutError,
  HttpError,
  NoWorkerError,
  toHttpError,
  WorkerFailure,
} from './errors.ts'

const refused = new Error('connect ECONNREFUSED 10.0.0.7:3001')

suite('the error of a client', () => {
  test('is 502 when a worker failed, with what happened for the log and none of it for the client', () => {
    const failure = new WorkerFailure('10.0.0.7:3001', 'connect', refused)
    const error = toHttpError(failure)
    assert.ok(error instanceof BadGatewayError && error instanceof HttpError)
    assert.deepEqual([error.status, error.name, error.cause], [502, 'BadGatewayError', failure])
    assert.equal(error.message, 'worker 10.0.0.7:3001: connect ECONNREFUSED 10.0.0.7:3001')
    assert.equal(error.publicMessage, 'the worker failed to answer')
  })

  test('is 504 when a worker took too long', () => {
    const failure = new WorkerFailure('a', 'request', 'no response within 30 s', { timeout: true })
    const error = toHttpError(failure)
    assert.ok(error instanceof GatewayTimeoutError)
    assert.deepEqual([error.status, error.message], [504, 'worker a: no response within 30 s'])
    assert.equal(error.publicMessage, 'the worker took too long')
  })

  test('is 503 when nobody is alive, and says when to ask again', () => {
    const error = new NoWorkerError(2)
    assert.deepEqual(
      [error.status, error.name, error.headers],
      [503, 'NoWorkerError', { 'Retry-After': '2' }],
    )
  })

  test('is what it was when no worker is to blame', () => {
    for (const fault of [new TypeError('a bug'), new HttpError(413, 'too large'), undefined])
      assert.equal(toHttpError(fault), fault)
  })
})

suite('the failure of a worker', () => {
  test('names the worker, what happened and how far it came', () => {
    const failure = new WorkerFailure('blue', 'request', refused)
    assert.equal(failure.message, 'worker blue: connect ECONNREFUSED 10.0.0.7:3001')
    assert.deepEqual([failure.phase, failure.timeout, failure.cause], ['request', false, refused])
  })

  test('tells what happened at each address of a name', () => {
    const cause = new AggregateError([refused, new Error('connect ECONNREFUSED ::1:3001')])
    const { message } = new WorkerFailure('a', 'connect', cause)
    assert.equal(message, 'worker a: connect ECONNREFUSED 10.0.0.7:3001; connect ECONNREFUSED ::1:3001')
  })
})

suite('what went wrong is described', () => {
  for (const [thrown, text] of [
    [new Error('a'), 'a'],
    ['a', 'a'],
    [null, 'null'],
    [new AggregateError([], 'all failed'), 'all failed'],
    [new AggregateError([new Error('a'), new AggregateError([new Error('b'), 'c'])]), 'a; b; c'],
  ] as const)
    test(`as ${JSON.stringify(text)}`, () => assert.equal(describe(thrown), text))

  for (const [what, thrown, text] of [
    ['an error without a message', new RangeError(), 'RangeError'],
    ['an error that has but a code', Object.assign(new Error(), { code: 'EPIPE' }), 'EPIPE'],
    ['an aggregate of nothing', new AggregateError([]), 'AggregateError'],
  ] as const)
    test(`and never as nothing: ${what}`, () => assert.equal(describe(thrown), text))
})
