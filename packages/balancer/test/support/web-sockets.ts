import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { listenAsWorker } from './tls-workers.ts'

/** A worker that sends WebSocket messages back as they come. */
export async function webSocketWorker(
  t: TestContext,
): Promise<{ url: string; connections: Set<WebSocket>; requests: () => number }> {
  let requests = 0
  const server = createServer((_req, res) => {
    requests++
    res.end()
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    requests++
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const { url } = await listenAsWorker(t, server)
  return { url, connections: sockets.clients, requests: () => requests }
}

/** A client whose connection stands. */
export async function opened(t: TestContext, port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
  t.after(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

/** What a client is answered instead of an upgrade. */
export function refusal(t: TestContext, port: number): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
  t.after(() => socket.terminate())
  socket.on('error', () => {})
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('it was not refused')))
    socket.on('unexpected-response', (_req, res) => {
      let body = ''
      res.on('data', (data: Buffer) => void (body += data.toString()))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }))
      res.on('error', reject)
    })
  })
}

/** The head of a handshake. */
export function upgradeHead(path = '/', connection = 'Upgrade', ...headers: string[]): string {
  const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: example.test',
    `Connection: ${connection}`,
    'Upgrade: websocket',
  ]
  return `${[...lines, ...key, ...headers].join('\r\n')}\r\n\r\n`
}

/** The answer of a worker that agrees. */
export function switched(...headers: string[]): string {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket']
  return `${[...lines, ...headers].join('\r\n')}\r\n\r\n`
}
