import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { NextFunction, Request, Response } from 'express'
import { pause } from './pause.ts'
import { type Query, wholeNumber } from './whole-number.ts'

export interface Dials {
  /** Milliseconds to wait before anything is answered. */
  readonly delay?: number | undefined
  /** The status of the answer, in place of the path's own. */
  readonly status?: number | undefined
  /** The length of a made-up body, in place of the path's own. */
  readonly bytes?: number | undefined
}

const CHUNK = Buffer.alloc(64 * 1024, '0123456789abcdef')

/** Throws BadParameter when a dial is set to something it cannot show. */
export function readDials(query: Query): Dials {
  return {
    delay: wholeNumber(query, 'delay', { min: 0, max: 600_000 }),
    status: wholeNumber(query, 'status', { min: 200, max: 599 }),
    bytes: wholeNumber(query, 'bytes', { min: 0, max: Number.MAX_SAFE_INTEGER }),
  }
}

/** `?delay=`, `?status=` and `?bytes=` on any path. Without `bytes` the path answers as usual, later or with another status. */
export async function dials(req: Request, res: Response, next: NextFunction): Promise<void> {
  const { delay, status, bytes } = readDials(req.query)
  if (delay !== undefined && !(await pause(delay, res))) return
  if (status !== undefined) res.status(status)
  if (bytes === undefined) return next()
  await sendBytes(req, res, bytes)
}

async function sendBytes(req: Request, res: Response, length: number): Promise<void> {
  if (res.statusCode === 204 || res.statusCode === 304) return void res.end()
  res.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(length) })
  if (req.method === 'HEAD') return void res.end()
  // A client that leaves early ends the pipeline with an error, and both ends with it: nothing is left to do.
  await pipeline(Readable.from(chunks(length)), res).catch(() => {})
}

function* chunks(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= CHUNK.length) {
    yield left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
  }
}
