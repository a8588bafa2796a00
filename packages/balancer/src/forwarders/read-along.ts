import type { Duplex } from 'node:stream'

/** How much of what a client says too early is read, in bytes; behind that its end is no longer noticed. */
const LIMIT = 64 * 1024

/**
 * Reads a socket that nobody reads yet, since its end shows only to who reads: a client that ends before it was
 * answered has left, and its socket is destroyed. The function it returns stops that and puts back what was read.
 */
export function readAlong(socket: Duplex): () => void {
  const early: Buffer[] = []
  let length = 0
  const read = (): void => {
    for (let data = socket.read() as Buffer | null; data; data = socket.read() as Buffer | null) {
      early.push(data)
      length += data.length
    }
    if (length > LIMIT) socket.off('readable', read)
  }
  const ended = (): void => void socket.destroy()
  socket.on('readable', read).once('end', ended)

  return () => {
    socket.off('readable', read).off('end', ended)
    if (length > 0 && !socket.destroyed) socket.unshift(Buffer.concat(early))
    length = 0
  }
}
