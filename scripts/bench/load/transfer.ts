// Carries bytes one way and prints a Loaded as JSON. Argument: a TransferLoad as JSON.
// What comes is read into one buffer, and what goes is one block, to leave the core to the backends.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ASK, BLOCK, sendBlocks } from '../backends/bytes.ts'
import type { Loaded } from '../processes/under-load.ts'
import type { TransferLoad } from './transfers.ts'

const { origin, way, connections, seconds } = JSON.parse(process.argv[2] ?? '') as TransferLoad
const { hostname: host, port } = new URL(origin)
const address = { host, port: Number(port), noDelay: true, allowHalfOpen: true }
let bytes = 0
let errors = 0
let isOver = false

const begun = await (way === 'download' ? download() : upload())
const lasted = (performance.now() - begun) / 1000
const answers = bytes / 1e6
const result: Loaded = {
  answers,
  seconds: lasted,
  figures: { perSecond: answers / lasted },
  errors,
  ...(errors > 0 && { why: `${errors} connections were closed, or lost bytes` }),
}
console.log(JSON.stringify(result))
process.exit(0)

/** Counts what comes within the time; resolves with when that began: when each had its first bytes. */
async function download(): Promise<number> {
  const buffer = Buffer.allocUnsafe(BLOCK.length)
  const sockets = Array.from({ length: connections }, () => {
    const callback = (length: number): boolean => {
      bytes += length
      return true
    }
    return guarded(connect({ ...address, onread: { buffer, callback } }))
  })
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  for (const socket of sockets) socket.write(ASK.send)
  while (sockets.some(({ bytesRead }) => bytesRead === 0)) await sleep(1)
  bytes = 0
  const begun = performance.now()
  await sleep(seconds * 1000)
  isOver = true
  return begun
}

/** Sends for the time and then ends; what the backends say they have counts, and must be all. */
async function upload(): Promise<number> {
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = guarded(connect(address))
      socket.write(ASK.take)
      sendBlocks(socket, () => isOver)
      const taken = Number(String((await once(socket, 'data'))[0]))
      bytes += taken
      if (taken !== socket.bytesWritten - 1) errors++
    }).concat(stop()),
  )
  return begun
}

async function stop(): Promise<void> {
  await sleep(seconds * 1000)
  isOver = true
}

function guarded(socket: Socket): Socket {
  return socket
    .on('error', () => {}) // `close` follows
    .on('close', () => {
      if (!isOver) errors++
    })
}
