import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A client that never comes to the end of its request's head. */
export interface SlowClient {
  readonly socket: Socket
  /** What it was told all the same. */
  readonly received: string
  /** After how many ms it was told something, or else its connection was closed; undefined while it is left alone. */
  readonly disturbed: number | undefined
  /** After how many ms its connection was closed; undefined while it is open. */
  readonly closed: number | undefined
}

/** How many connect at the same time: less than the system lets wait. */
const AT_ONCE = 100

/** Opens connections that send a byte of a head now and then, until they are closed. */
export async function slowClients(
  t: TestContext,
  port: number,
  count: number,
): Promise<readonly SlowClient[]> {
  const clients: SlowClient[] = []
  const trickle = setInterval(() => {
    for (const { socket } of clients) if (socket.writable) socket.write('x')
  }, 500)
  t.after(() => {
    clearInterval(trickle)
    for (const { socket } of clients) socket.destroy()
  })
  while (clients.length < count)
    clients.push(
      ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, open))),
    )
  return clients

  async function open(): Promise<SlowClient> {
    const begun = performance.now()
    const socket = connect(port, '127.0.0.1')
    let received = ''
    let disturbed: number | undefined
    let closed: number | undefined
    socket
      .on('error', () => {})
      .on('close', () => {
        closed = performance.now() - begun
        disturbed ??= closed
      })
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      disturbed ??= performance.now() - begun
    })
    await once(socket, 'connect')
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\nX-Slow: ')
    return {
      socket,
      get received() {
        return received
      },
      get disturbed() {
        return disturbed
      },
      get closed() {
        return closed
      },
    }
  }
}
