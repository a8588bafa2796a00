// Sends requests at an even rate and prints a Loaded as JSON. Argument: a PacedLoad as JSON.
// Latency counts from the moment at which a request was due, also when every connection was still busy then.
import { createHistogram } from 'node:perf_hooks'
import { connect, type Socket } from 'node:net'
import type { Loaded } from '../processes/under-load.ts'
import type { PacedLoad } from './paced.ts'

const { origin, exchange, rate, connections, seconds } = JSON.parse(process.argv[2] ?? '') as PacedLoad
const { host, hostname, port } = new URL(origin)
const request = `GET ${exchange.path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
const latencies = createHistogram()
const idle: Socket[] = []
const waiting: number[] = []
let due = 0
let answers = 0
let errors = 0
let why: string | undefined

await Promise.all(Array.from({ length: connections }, open))
const begun = performance.now()
const ticking = setInterval(tick, 1)

function tick(): void {
  const now = performance.now()
  if (now - begun >= seconds * 1000) return finish()
  for (const all = Math.floor(((now - begun) * rate) / 1000); due < all; due++) waiting.push(now)
  while (waiting.length > 0 && idle.length > 0) send(idle.shift(), waiting.shift())
}

function send(socket: Socket | undefined, since = 0): void {
  if (!socket) return
  let received = ''
  socket.removeAllListeners('data').on('data', (chunk: string) => {
    received += chunk
    if (!received.endsWith(exchange.expected)) {
      if (received.length > exchange.expected.length + 4096) fail(`a wrong answer: ${received.slice(0, 80)}`)
      return
    }
    if (received.startsWith('HTTP/1.1 200 ')) answers++
    else fail(received.slice(0, received.indexOf('\r\n')))
    latencies.record(Math.max(1, Math.round((performance.now() - since) * 1000)))
    const next = waiting.shift()
    if (next === undefined) idle.push(socket)
    else send(socket, next)
  })
  socket.write(request)
}

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      idle.push(socket)
      resolve()
    })
    socket.setEncoding('latin1').setNoDelay(true)
    socket.on('error', reject)
    socket.on('close', () => fail('a connection was closed'))
  })
}

function fail(what: string): void {
  errors++
  why ??= what
}

function finish(): void {
  clearInterval(ticking)
  const lasted = (performance.now() - begun) / 1000
  const percentile = (p: number): number => latencies.percentile(p) / 1000
  if (answers < due * 0.9) fail(`only ${answers} of ${due} requests were answered in time: saturated`)
  const result: Loaded = {
    answers,
    seconds: lasted,
    figures: {
      perSecond: answers / lasted,
      p50: percentile(50),
      p99: percentile(99),
      p999: percentile(99.9),
    },
    errors,
    ...(why !== undefined && { why }),
  }
  console.log(JSON.stringify(result))
  process.exit(0)
}
