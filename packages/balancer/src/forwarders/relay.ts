import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { trailers } from './response-headers.ts'
import type { Watchdog } from './watchdog.ts'

/** Up to how many bytes a body is small: copied, to go out in one buffer with its head. */
export const SMALL = 4096

/** Ends a response with a body. As a string a small one joins the head in one write, at half the cost of two. */
export function endWith(res: ServerResponse, body: Buffer | undefined): void {
  if (body && body.length <= SMALL) res.end(body.toString('latin1'), 'latin1')
  else res.end(body)
}

/**
 * Calls `flush` for a head that Node holds back until the first byte of its body: not before a body that follows at
 * once could be read and share its write, which takes a turn of the event loop or two.
 */
export function flushLater(flush: () => void): void {
  setImmediate(setImmediate, flush)
}

/**
 * What `response.pipe(res)` does, for a response that is known to go to `res` alone, and without the dozen listeners
 * that a pipe between any two streams takes. A body that comes whole in one chunk goes out in one write. Returns
 * what ends it early.
 */
export function relay(response: IncomingMessage, res: ServerResponse, watchdog: Watchdog): () => void {
  const length = Number(response.headers['content-length'] ?? -1)
  let held: Buffer | undefined
  const onData = (chunk: Buffer): void => {
    watchdog.moved()
    if (chunk.length === length) held = chunk
    else if (!res.write(chunk)) {
      response.pause()
      res.once('drain', onDrain)
    }
  }
  const onDrain = (): void => {
    watchdog.moved()
    response.resume()
  }
  const onEnd = (): void => {
    watchdog.stop()
    const { rawTrailers, rawHeaders } = response
    if (rawTrailers.length > 0) res.addTrailers(trailers(rawTrailers, rawHeaders))
    endWith(res, held)
  }
  response.on('data', onData).on('end', onEnd)
  return () => {
    response.off('data', onData).off('end', onEnd)
    res.off('drain', onDrain)
  }
}

/** Stands for the body of every request without one, for who would pipe it; no stream, so nothing is read of it. */
export const noBody = {
  pipe(request: ClientRequest): void {
    request.end()
  },
}
