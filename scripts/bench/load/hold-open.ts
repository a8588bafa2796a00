// Holds idle connections, WebSockets or heads of requests open. Arguments: origin, and what `OPEN` has a name for.
// Prints `ready`; then for each line on stdin, a count, it opens what lacks and prints `<count> open`.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { ASK } from '../backends/bytes.ts'
import { openWebSocket } from './frames.ts'

const [, , origin = '', held] = process.argv
const { host, hostname, port } = new URL(origin)
const open: Socket[] = []
/** How many are opened at the same time. */
const AT_ONCE = 50

const OPEN = { connections: connection, websockets: webSocket, heads: head, tcp }
const openOne = OPEN[held as keyof typeof OPEN]

process.stdin.ref() // the tether of launched scripts lets it go
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line)
  while (open.length < count) {
    const more = Math.min(AT_ONCE, count - open.length)
    open.push(...(await Promise.all(Array.from({ length: more }, openOne))))
  }
  console.log(`${count} open`)
}

async function webSocket(): Promise<Socket> {
  return guarded((await openWebSocket(origin)).socket)
}

async function tcp(): Promise<Socket> {
  const socket = guarded(connect(Number(port), hostname))
  socket.write(ASK.name)
  await once(socket, 'data')
  return socket
}

async function connection(): Promise<Socket> {
  const socket = guarded(connect(Number(port), hostname))
  socket.write(`GET /small HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await once(socket, 'data')
  return socket
}

/** About a byte a second, each in its own time, and no end; when it was sent away another one comes. */
async function head(): Promise<Socket> {
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(`GET /small HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `)
  const trickle = (): void => {
    if (!socket.writable) return
    socket.write('x')
    later()
  }
  const later = (): unknown => setTimeout(trickle, 500 + Math.random() * 1000)
  later()
  return socket
    .on('error', () => {})
    .on('close', () => void head())
    .resume()
}

/** One that is closed spoils the measurement. */
function guarded(socket: Socket): Socket {
  const lost = (): never => {
    console.error(`Error: a connection of ${open.length} was closed`)
    process.exit(1)
  }
  return socket.on('error', lost).on('close', lost)
}
