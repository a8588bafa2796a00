import type { IncomingMessage, ServerResponse } from 'node:http'
import { WebSocketServer } from 'ws'
import type { Opened } from '../subject.ts'
import { contents, receipt } from './contents.ts'

/** The response header by which a backend says who it is. */
export const BACKEND_HEADER = 'x-backend'

/** Answers the paths of `contents`, counts what is posted, and echoes WebSocket messages. */
export function openAnswers(name: string): Opened {
  const bodies = new Map(Object.entries(contents).map(([path, body]) => [path, Buffer.from(body)]))
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  sockets.on('headers', (headers) => headers.push(`${BACKEND_HEADER}: ${name}`))
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('error', () => socket.terminate())
  })

  function answer(res: ServerResponse, status: number, body: string | Buffer): void {
    res.writeHead(status, [
      'content-type',
      'text/plain',
      'content-length',
      String(body.length),
      BACKEND_HEADER,
      name,
    ])
    res.end(body)
  }

  function listener(req: IncomingMessage, res: ServerResponse): void {
    const body = bodies.get(req.url ?? '')
    if (req.method === 'GET' && body) return answer(res, 200, body)
    if (req.method !== 'POST') return answer(res, 404, 'no such thing\n')
    let bytes = 0
    req.on('data', (chunk: Buffer) => (bytes += chunk.length))
    req.on('end', () => answer(res, 200, receipt(bytes)))
  }

  return {
    listener,
    upgrade: (req, socket, head) =>
      sockets.handleUpgrade(req, socket, head, (opened) => sockets.emit('connection', opened, req)),
  }
}
