import { WebSocket } from 'ws'
import { PATIENCE } from './http-exchange.ts'
import type { Ending } from './rules.ts'

export interface Conversation {
  readonly id: string
  /** What is sent, one after the other, each when the echo of the one before has come. */
  readonly messages: readonly Buffer[]
  /** Between an echo and the next message, in ms. */
  readonly gap: number
  /** After how many ms the client breaks off. */
  readonly abort?: number | undefined
}

/** A WebSocket whose messages are all echoed, to its clean end. */
export function converse(origin: string, { id, messages, gap, abort }: Conversation): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>()
  const url = `${origin.replace('http', 'ws')}/socket`
  const socket = new WebSocket(url, { headers: { 'X-Request-Id': id }, perMessageDeflate: false })
  let at = 0
  let begun = false
  let next: NodeJS.Timeout | undefined
  const late = setTimeout(() => finish({ how: 'late' }), PATIENCE)
  const soon = abort === undefined ? undefined : setTimeout(() => finish({ how: 'aborted' }), abort)

  function finish(ending: Ending): void {
    for (const timer of [late, soon, next]) clearTimeout(timer)
    resolve(ending)
    socket.terminate()
  }
  const cut = (why: string): void => finish({ how: 'cut', begun, why })
  /** Every other message is binary. */
  function say(): void {
    const message = messages[at] as Buffer
    socket.send(at % 2 ? message : message.toString(), (error) => {
      if (error) cut(error.message)
    })
  }

  socket.on('open', () => {
    begun = true
    say()
  })
  socket.on('message', (data: Buffer, isBinary) => {
    if (!data.equals(messages[at] as Buffer) || isBinary !== (at % 2 === 1))
      return finish({ how: 'wrong', why: `echo ${at} is not what was sent` })
    if (++at < messages.length) next = setTimeout(say, gap)
    else socket.close(1000)
  })
  socket.on('unexpected-response', (_req, res) => finish({ how: 'refused', status: res.statusCode ?? 0 }))
  socket.on('error', (error) => cut(error.message))
  socket.on('close', (code) => {
    if (code === 1000 && at === messages.length) finish({ how: 'whole' })
    else cut(`closed with ${code} after ${at} echoes`)
  })
  return promise
}
