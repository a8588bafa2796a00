import { createHash } from 'node:crypto'
import type { SeenRequest } from './wire.ts'

/** RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** `hello` in a text frame (RFC 6455, 5.7). */
const HELLO = '\x81\x05hello'

/** A 200 with `hello` in its body; to a WebSocket's handshake the same as its first message. In latin1. */
export function wellAnswer({ head }: SeenRequest): string {
  const [, key] = /^sec-websocket-key: *(.*)$/im.exec(head) ?? []
  if (key === undefined) return 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64')
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${accept}`,
    '',
    HELLO,
  ].join('\r\n')
}
