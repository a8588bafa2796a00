// Sends WebSocket messages and prints a Loaded as JSON. Argument: a MessageLoad as JSON.
// The frames are made beforehand and echoes are counted by their bytes, to leave the core to the backends.
import type { Socket } from 'node:net'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Loaded } from '../processes/under-load.ts'
import { ECHO, MESSAGE, openWebSocket } from './frames.ts'
import type { MessageLoad } from './messages.ts'

const { origin, connections, seconds } = JSON.parse(process.argv[2] ?? '') as MessageLoad
const latencies = createHistogram()
let answers = 0
let errors = 0
let over = false

const sockets: Socket[] = []
while (sockets.length < connections) sockets.push((await openWebSocket(origin)).socket)
const begun = performance.now()
sockets.forEach(play)
await sleep(seconds * 1000)
const lasted = (performance.now() - begun) / 1000
over = true
const result: Loaded = {
  answers,
  seconds: lasted,
  figures: { perSecond: answers / lasted, p99: latencies.percentile(99) / 1000 },
  errors,
  ...(errors > 0 && { why: `${errors} connections were closed or gave a wrong echo` }),
}
console.log(JSON.stringify(result))
process.exit(0)

function play(socket: Socket): void {
  let received = 0
  let since = performance.now()
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received < ECHO.length) return
    if (received > ECHO.length) {
      socket.destroy()
      return
    }
    answers++
    received = 0
    const now = performance.now()
    latencies.record(Math.max(1, Math.round((now - since) * 1000)))
    since = now
    socket.write(MESSAGE)
  })
  socket.on('error', () => {}) // `close` follows
  socket.on('close', () => {
    if (!over) errors++
  })
  socket.write(MESSAGE)
}
