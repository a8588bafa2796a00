import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Bytes of a message. */
const PAYLOAD = 64
const payload = Buffer.alloc(PAYLOAD, 'echo ')

/** A binary message as a client sends it (RFC 6455, 5.2): masked, with the mask of zeros that changes nothing. */
export const MESSAGE = Buffer.concat([Buffer.from([0x82, 0x80 | PAYLOAD, 0, 0, 0, 0]), payload])

/** The same message as a server sends it: without a mask. */
export const ECHO = Buffer.concat([Buffer.from([0x82, PAYLOAD]), payload])

/** An open WebSocket as a bare socket, and the head of the answer that opened it. */
export async function openWebSocket(origin: string): Promise<{ socket: Socket; res: IncomingMessage }> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  }
  const req = get(`${origin}/socket`, { headers, agent: false, signal: AbortSignal.timeout(5000) })
  req.on('response', (res) => req.destroy(new Error(`the upgrade was refused with ${res.statusCode}`)))
  const [res, socket] = (await once(req, 'upgrade')) as [IncomingMessage, Socket, Buffer]
  return { socket: socket.setNoDelay(true), res }
}
