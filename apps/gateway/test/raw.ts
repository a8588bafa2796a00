import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Sends the very bytes, in latin1, and resolves with everything that comes until the connection is over. */
export function exchange(t: TestContext, port: number, ...parts: string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    let received = ''
    socket.on('error', () => {}).on('close', () => resolve(received))
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      next()
    })
    const next = (): void => void socket.write(parts.shift() ?? '', 'latin1')
    next()
  })
}

/** Resolves when a connection is over, a reset one too: with `once` of node:events its error would be thrown. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}
