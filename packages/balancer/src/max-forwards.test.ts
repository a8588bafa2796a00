import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { hopsLeft } from './max-forwards.ts'

for (const [method, value, left] of [
  ['OPTIONS', '0', -1],
  ['OPTIONS', '1', 0],
  ['TRACE', '10', 9],
  ['GET', '0', undefined],
  ['OPTIONS', undefined, undefined],
  ['OPTIONS', '-1', undefined],
  ['OPTIONS', '1.5', undefined],
  ['OPTIONS', 'many', undefined],
  ['OPTIONS', '12345678901234567890', undefined],
] as const)
  test(`${method} with Max-Forwards: ${value} may pass ${left ?? 'any number of'} servers more`, () => {
    const req = { method, headers: { 'max-forwards': value } } as unknown as IncomingMessage
    assert.equal(hopsLeft(req), left)
  })
