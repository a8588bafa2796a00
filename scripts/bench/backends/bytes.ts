import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * What a client of the TCP backends wants, by the first byte it sends: the backend's name, a byte; blocks without end;
 * at its own end, how many bytes it has sent since; or those bytes back.
 */
export const ASK = { name: 'n', send: 's', take: 't', echo: 'e' } as const

/** What is sent again and again, 1 MiB. */
export const BLOCK = Buffer.alloc(
  1 << 20,
  Array.from({ length: 251 }, (_, i) => String.fromCharCode(i)).join(''),
  'latin1',
)

/** A connection's side of the backend that is called so. */
export function serveBytes(name: string, socket: Socket): void {
  socket.on('error', () => {})
  socket.once('data', (first) => {
    const asked = first.toString('latin1', 0, 1)
    if (asked === ASK.send) sendBlocks(socket.on('end', () => socket.destroy()))
    else if (asked === ASK.take) take(socket, first.length - 1)
    else if (asked === ASK.echo) {
      socket.write(first.subarray(1))
      socket.pipe(socket)
    } else socket.on('end', () => socket.end()).write(name)
  })
}

/** Sends blocks, a turn of the event loop each, until `isOver` says so: then it ends its side. */
export function sendBlocks(socket: Socket, isOver = (): boolean => false): void {
  if (isOver()) socket.end()
  else if (socket.writable) socket.write(BLOCK, () => setImmediate(sendBlocks, socket, isOver))
}

function take(socket: Socket, begun: number): void {
  let bytes = begun
  socket.on('data', (chunk) => (bytes += chunk.length)).on('end', () => socket.end(String(bytes)))
}

/**
 * Asks six times who is there, and has a block echoed to its end.
 * @throws Error for a wrong echo, or when fewer than three backends gave their names.
 */
export async function verifyTcp(origin: string): Promise<void> {
  const seen = new Set<string>()
  for (let i = 0; i < 6; i++) seen.add((await ask(origin, ASK.name)).toString())
  if (seen.size < 3) throw new Error(`of 3 backends only ${[...seen].join(', ')} gave answers`)
  const echo = await ask(origin, Buffer.concat([Buffer.from(ASK.echo), BLOCK]))
  if (!echo.equals(BLOCK)) throw new Error(`${BLOCK.length} bytes have a wrong echo of ${echo.length}`)
}

/** All that comes to the end after this has been sent to the end. */
async function ask(origin: string, bytes: string | Buffer): Promise<Buffer> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk)).end(bytes)
  try {
    await once(socket, 'end', { signal: AbortSignal.timeout(5000) })
  } finally {
    socket.destroy()
  }
  return Buffer.concat(chunks)
}
