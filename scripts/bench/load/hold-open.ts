// Holds idle connections or WebSockets open. Arguments: origin, `connections` or `websockets`.
// Prints `ready`; then for each line on stdin, a count, it opens what lacks and prints `<count> open`.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { openWebSocket } from './frames.ts'

const [, , origin = '', held] = process.argv
const { host, hostname, port } = new URL(origin)
const open: Socket[] = []
/** How many are opened at the same time. */
const AT_ONCE = 50

process.stdin.ref() // the tether of launched scripts lets it go
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line)
  while (open.length < count) {
    const more = Math.min(AT_ONCE, count - open.length)
    open.push(
      ...(await Promise.all(Array.from({ length: more }, held === 'websockets' ? webSocket : connection))),
    )
  }
  console.log(`${count} open`)
}

async function webSocket(): Promise<Socket> {
  return guarded((await openWebSocket(origin)).socket)
}

async function connection(): Promise<Socket> {
  const socket = guarded(connect(Number(port), hostname))
  socket.write(`GET /small HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await once(socket, 'data')
  return socket
}

/** One that is closed spoils the measurement. */
function guarded(socket: Socket): Socket {
  const lost = (): never => {
    console.error(`Error: a connection of ${open.length} was closed`)
    process.exit(1)
  }
  return socket.on('error', lost).on('close', lost)
}
