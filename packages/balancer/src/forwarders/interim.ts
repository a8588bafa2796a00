import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import { latin1, namedByConnection, NOT_ANSWERED, reason, type Raw } from './response-headers.ts'

/** A response that comes before the final one, as Node's client tells it. */
export interface Interim {
  readonly statusCode: number
  readonly statusMessage: string | undefined
  /** Names and values in turn. */
  readonly rawHeaders: Raw
}

/**
 * Passes on a response that comes before the final one, such as 103 (RFC 9110, 15.2). It is left out where it could do
 * harm: `100`, for which the balancer has answered itself; for clients of HTTP/1.0; and where it would have to wait,
 * behind another response or for a client that does not read.
 */
export function relayInterim({ httpVersion }: IncomingMessage, res: ServerResponse, interim: Interim): void {
  const { statusCode, statusMessage, rawHeaders } = interim
  const { socket } = res
  if (statusCode === 100 || httpVersion !== '1.1' || res.headersSent) return
  if (!socket || socket.writableNeedDrain) return
  const lines = [`HTTP/1.1 ${statusCode} ${reason(statusMessage) || (STATUS_CODES[statusCode] ?? '')}`]
  const named = namedByConnection(rawHeaders)
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = latin1(rawHeaders[i])
    const lower = name.toLowerCase()
    if (NOT_ANSWERED.has(lower) || named?.has(lower) || lower === 'content-length') continue
    lines.push(`${name}: ${latin1(rawHeaders[i + 1])}`)
  }
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
