import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import accepts from 'accepts'
import { HttpError } from './errors.ts'

/**
 * Answers an error in short: `{ "error", "status" }` as JSON, or one line of text where the client prefers that.
 * Says nothing of stacks, workers or addresses. When the response has already begun, it is cut.
 */
export function answerError(error: unknown, req: IncomingMessage, res: ServerResponse): void {
  if (res.headersSent) return void res.destroy()
  const { status, text, headers } = publicPart(error)
  const isText = accepts(req).type(['json', 'text']) === 'text'
  const body = isText ? `${text}\n` : `${JSON.stringify({ error: text, status })}\n`
  res.writeHead(status, {
    ...headers,
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  res.end(body)
}

/** The same for an upgrade, which has a socket and no response: one line of text, and the connection ends. */
export function answerUpgradeError(error: unknown, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy()
  const { status, text, headers } = publicPart(error)
  const body = `${text}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers ?? {})
      .filter(([name]) => name !== 'Connection')
      .map(([name, value]) => `${name}: ${value}`),
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function publicPart(error: unknown): Pick<HttpError, 'status' | 'headers'> & { text: string } {
  if (error instanceof HttpError)
    return { status: error.status, text: error.publicMessage, headers: error.headers }
  return { status: 500, text: 'something went wrong', headers: undefined }
}
