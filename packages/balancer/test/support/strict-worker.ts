import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { listenAsWorker } from './tls-workers.ts'
import { readRequests, type Requests, type StrictRequest } from './strict-http.ts'

export interface Taken {
  readonly whole: readonly StrictRequest[]
  /** Whose bodies are not whole yet. */
  readonly partial: readonly StrictRequest[]
  /** What no strict reader would have taken for a request, with the reason. */
  readonly faults: readonly string[]
}

export interface StrictWorker {
  readonly url: string
  /** What has come since it was last taken. */
  take(): Taken
}

/** A worker that takes only requests beyond reproach, each when it is whole. */
export async function strictWorker(
  t: TestContext,
  answer: (request: StrictRequest, socket: Socket) => void,
): Promise<StrictWorker> {
  let whole: StrictRequest[] = []
  let faults: string[] = []
  const open = new Map<Socket, Requests>()
  const server = createServer((socket) => {
    let text = ''
    let isLast = false
    socket.setNoDelay(true)
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (isLast) faults.push(`behind a request that closes its connection: ${JSON.stringify(text)}`)
      const reading = readRequests(text)
      open.set(socket, reading)
      text = reading.rest
      for (const request of reading.requests) {
        whole.push(request)
        if (request.unfit !== undefined) faults.push(`${request.unfit}: ${JSON.stringify(request)}`)
        answer(request, socket)
      }
      isLast = reading.end === 'closed' // the balancer closes it
      if (reading.end !== 'bad') return
      faults.push(`${reading.why}: ${JSON.stringify(text)}`)
      socket.destroy()
    })
    socket.once('close', () => open.delete(socket))
  })
  const { url } = await listenAsWorker(t, server)
  return {
    url,
    take() {
      const taken = {
        whole,
        faults,
        partial: Array.from(open.values(), ({ partial }) => partial ?? []).flat(),
      }
      whole = []
      faults = []
      return taken
    },
  }
}
