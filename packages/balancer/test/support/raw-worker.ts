import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { listenAsWorker } from './tls-workers.ts'

/** One request as it stood on the wire, in latin1. */
export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly head: string
  /** The lines of the head without the first. */
  readonly headers: readonly string[]
  readonly socket: Socket
  /** What has come of the body so far; chunks with all that frames them. */
  readonly body: string
  readonly isWhole: boolean
}

export interface RawWorker {
  readonly url: string
  readonly port: number
  readonly requests: readonly RawRequest[]
  readonly sockets: readonly Socket[]
  /** Every byte that came, over all connections, in latin1. */
  readonly received: string
}

/** A good answer, for requests beside the one a test is about. */
export const FINE = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine'

/**
 * A worker that answers with the very bytes of `answer`: a string is sent as it is, a function does what it
 * likes. Whoever asks for `/fine` gets a good answer, so the connections of the balancer can be tried after it.
 */
export async function rawWorker(
  t: TestContext,
  answer: string | ((socket: Socket, request: RawRequest) => void),
): Promise<RawWorker> {
  const requests: RawRequest[] = []
  const sockets: Socket[] = []
  let received = ''
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    let text = ''
    let body: Body | undefined
    socket.on('data', (data) => {
      const bytes = data.toString('latin1')
      received += bytes
      text += bytes
      for (;;) {
        if (body) text = body.take(text)
        const end = text.indexOf('\r\n\r\n')
        if (end < 0 || body?.isOver === false) return
        const head = text.slice(0, end)
        text = text.slice(end + 4)
        body = createBody(head)
        text = body.take(text)
        const request = read(head, socket, body)
        requests.push(request)
        if (request.path === '/fine') socket.write(FINE)
        else if (typeof answer === 'string') socket.write(Buffer.from(answer, 'latin1'))
        else answer(socket, request)
      }
    })
    socket.on('end', () => socket.end())
  })
  const { port, url } = await listenAsWorker(t, server)
  return {
    url,
    port,
    requests,
    sockets,
    get received() {
      return received
    },
  }
}

interface Body {
  readonly text: string
  readonly isOver: boolean
  /** Takes what belongs to the body from the start of `text`, and gives back the rest. */
  take(text: string): string
}

/** A body of a length; chunks are taken with all that frames them. */
function createBody(head: string): Body {
  const isChunked = /^transfer-encoding: chunked$/im.test(head)
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
  let body = ''
  const end = (text: string): number => {
    if (!isChunked) return length
    const last = /(^|\r\n)0\r\n(.+\r\n)*\r\n/.exec(text)
    return last ? last.index + last[0].length : Infinity
  }
  return {
    get text() {
      return body
    },
    get isOver() {
      return body.length >= end(body)
    },
    take(text) {
      const before = body.length
      const all = body + text
      body = all.slice(0, Math.max(before, end(all)))
      return all.slice(body.length)
    },
  }
}

function read(head: string, socket: Socket, body: Body): RawRequest {
  const [line = '', ...headers] = head.split('\r\n')
  const [method = '', path = ''] = line.split(' ')
  return {
    method,
    path,
    head,
    headers,
    socket,
    get body() {
      return body.text
    },
    get isWhole() {
      return body.isOver
    },
  }
}

/** The values of a header as a worker saw it. */
export function seen(request: RawRequest | undefined, name: string): string[] {
  const prefix = `${name.toLowerCase()}:`
  return (request?.headers ?? [])
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim())
}
