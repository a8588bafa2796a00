// Opens connections and closes them, and prints a Loaded as JSON. Argument: a VisitLoad as JSON.
import { connect } from 'node:net'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { ASK } from '../backends/bytes.ts'
import type { Loaded } from '../processes/under-load.ts'
import type { VisitLoad } from './visits.ts'

const { origin, visitors, seconds, exchange } = JSON.parse(process.argv[2] ?? '') as VisitLoad
const { host: name, hostname: host, port } = new URL(origin)
const asked = exchange
  ? `GET ${exchange.path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`
  : ASK.name
const address = { host, port: Number(port), noDelay: true }
const latencies = createHistogram()
let answers = 0
let errors = 0
let why: string | undefined

const begun = performance.now()
for (let i = 0; i < visitors; i++) visit()
await sleep(seconds * 1000)
const lasted = (performance.now() - begun) / 1000
const result: Loaded = {
  answers,
  seconds: lasted,
  figures: { perSecond: answers / lasted, p99: latencies.percentile(99) / 1000 },
  errors,
  ...(why !== undefined && { why }),
}
console.log(JSON.stringify(result))
process.exit(0)

function visit(): void {
  const since = performance.now()
  let got = ''
  const socket = connect(address)
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    got += chunk
    if (!exchange) socket.end()
  })
  socket.on('error', (error) => (why ??= error.message))
  socket.on('close', (hadError) => {
    if (!hadError && isRight(got)) {
      answers++
      latencies.record(Math.max(1, Math.round((performance.now() - since) * 1000)))
    } else {
      errors++
      why ??= `a connection was closed after ${got.length} bytes`
    }
    visit()
  })
  socket.write(asked)
}

function isRight(got: string): boolean {
  return exchange ? got.startsWith('HTTP/1.1 200 ') && got.endsWith(exchange.expected) : got.length === 1
}
