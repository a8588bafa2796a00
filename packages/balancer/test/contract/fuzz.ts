import { METHODS } from 'node:http'
import { test } from 'node:test'
import { head, stage, type Create } from '../support/hostile.ts'
import { until } from '../support/until.ts'

const BYTES = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))

/** Whatever Node's parser lets through ends in an answer or the end, and holds up no request behind it. */
export function fuzz(create: Create): void {
  for (const [what, requests] of [
    ['in a header value', BYTES.map((byte) => head('GET /x', `X-Any: a${byte}b`))],
    ['in a header name', BYTES.map((byte) => head('GET /x', `X${byte}Any: ab`))],
    ['in a path', BYTES.map((byte) => head(`GET /a${byte}b?c${byte}d`))],
    ['before a path', BYTES.map((byte) => head(`GET ${byte}`))],
    ['in Connection', BYTES.map((byte) => head('GET /x', `Connection: a${byte}b, X-Mine`, 'X-Mine: 1'))],
    ['in Host', BYTES.map((byte) => `GET /x HTTP/1.1\r\nHost: a${byte}b\r\n\r\n`)],
    ['as a method', METHODS.map((method) => head(`${method} /x`))],
    ['as a method with a body', METHODS.map((method) => `${head(`${method} /x`, 'Content-Length: 2')}ab`)],
  ] as const)
    test(`whatever is ${what}`, { timeout: 60_000 }, async (t) => {
      const { client, servesOn } = await stage(t, create)
      for (const request of requests) {
        const one = await client(request + head('GET /fine'))
        await until(JSON.stringify(request), () => one.received.includes('fine') || one.isOver)
        one.socket.destroy()
      }
      await servesOn()
    })
}
