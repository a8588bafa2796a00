import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { answerUpgradeError, HttpError } from '@rondo/balancer'
import { plain, saySeldom } from './access-log.ts'
import { sentence } from './printable.ts'

/** A client's connection, with Node's own mark of the response that it carries or waits for, which Node itself asks here. */
type Connection = Duplex & { remoteAddress?: string; _httpMessage?: ServerResponse | null }

/**
 * Has `server` answer what its parser refuses in short, 400, 408, 413 or 431, and close the connection. The log gets
 * one line for it, or in a flood one a second, without a byte of the client's. Where a response has begun or is
 * another request's, the connection is cut: the client would take the answer for a part of that.
 */
export function answerClientErrors(server: Server): void {
  const report = saySeldom()
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Connection) => {
    const refusal = refusalOf(error)
    const isNews = refusal && socket.writable // else it broke off, or has had its answer and goes on all the same
    if (!isNews) return socket.destroy()
    const isAnswered = isAnswerExpected(socket)
    const how = isAnswered ? `answered ${refusal.status}` : 'cut'
    report(`client ${plain(socket.remoteAddress)} was ${how}: ${sentence(error.message)}`)
    if (isAnswered) return answerUpgradeError(refusal, socket)
    return socket.destroy()
  })
}

/** What the client is told; nothing if the connection itself broke, as with ECONNRESET. */
function refusalOf({ code = '' }: NodeJS.ErrnoException): HttpError | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new HttpError(408, 'the request took too long')
  if (code === 'HPE_HEADER_OVERFLOW') return new HttpError(431, 'the head of the request is too large')
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new HttpError(413, 'the chunk extensions are too large')
  return code.startsWith('HPE_') ? new HttpError(400, 'the request is malformed') : undefined
}

/** Whether what is written next would be the answer to what was refused: to a new request, or to the body of one. */
function isAnswerExpected({ _httpMessage: current }: Connection): boolean {
  return !current || (!current.headersSent && !current.req.complete)
}
