// autocannon's own percentiles are whole milliseconds; these come from its `response` events.
// Argument: an HttpLoad as JSON; prints an HttpResult as JSON.
import { createHistogram } from 'node:perf_hooks'
import autocannon from 'autocannon'
import type { HttpLoad, HttpResult } from './http-load.ts'

const { origin, exchange, connections, seconds } = JSON.parse(process.argv[2] ?? '') as HttpLoad
const { method, path, upload, expected } = exchange
const latencies = createHistogram()
let answers = 0
let bytes = 0

const options = {
  url: `${origin}${path}`,
  method,
  connections,
  duration: seconds,
  sampleInt: 100,
  timeout: 5,
  ...(upload > 0 && {
    body: 'x'.repeat(upload),
    headers: { 'content-type': 'application/octet-stream' },
  }),
  ...(expected.length < 1000 && { expectBody: expected }),
}
const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>()
const firing = autocannon(options, (error: unknown, done) => (error ? reject(error) : resolve(done)))
firing.on('response', (_client, _status, size, time) => {
  answers++
  bytes += size
  latencies.record(Math.max(1, Math.round(time * 1000)))
})
const { duration, errors, mismatches, non2xx, timeouts } = await promise
const wrong = { errors, mismatches, non2xx }
const kinds = Object.entries(wrong).filter(([, count]) => count > 0)
const result: HttpResult = {
  answers,
  seconds: duration,
  bytes,
  p50: latencies.percentile(50) / 1000,
  p99: latencies.percentile(99) / 1000,
  errors: errors + mismatches + non2xx,
  ...(kinds.length > 0 && {
    why: `autocannon: ${kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')}, of them ${timeouts} timeouts`,
  }),
}
console.log(JSON.stringify(result))
process.exit(0)
