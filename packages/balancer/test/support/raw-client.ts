import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { readMessage, type Message } from './message.ts'
import { until } from './until.ts'

/** A client that sends the very bytes it is given and records those it gets. */
export interface RawClient {
  readonly socket: Socket
  /** What came and was not yet taken by `response`, in latin1. */
  readonly received: string
  /** Whether the other side has ended or cut the connection. */
  readonly isOver: boolean
  send(bytes: string | Uint8Array): void
  /** Takes the next whole response; rejects when the connection is over and none is whole. */
  response(options?: { head?: boolean }): Promise<Message>
  /** Everything not yet taken, once the other side has ended or cut the connection. */
  rest(): Promise<string>
}

export async function rawClient(
  t: TestContext,
  port: number,
  bytes: string | Uint8Array = '',
): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  let received = ''
  let isOver = false
  const over = (): void => void (isOver = true)
  socket.on('data', (data) => void (received += data.toString('latin1')))
  socket.on('error', over).on('end', over).on('close', over)
  const send = (data: string | Uint8Array): void =>
    void socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  if (bytes.length > 0) send(bytes)

  return {
    socket,
    send,
    get received() {
      return received
    },
    get isOver() {
      return isOver
    },
    async response({ head = false } = {}) {
      let message: Message | undefined
      await until('a whole response', () => {
        const ended = isOver
        message = readMessage(received, { head, ended })
        if (!message && ended)
          throw new Error(`the connection ended in: ${JSON.stringify(received.slice(0, 500))}`)
        return message !== undefined
      })
      received = message?.rest ?? ''
      return message as Message
    },
    async rest() {
      await until('the end of the connection', () => isOver)
      return received
    },
  }
}
