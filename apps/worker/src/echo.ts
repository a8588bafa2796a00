import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'

/** Streams the request's body back as it comes, no faster than the client reads, with its type and, when known, its length. */
export async function echoBody(req: Request, res: Response): Promise<void> {
  res.setHeader('Content-Type', req.headers['content-type'] ?? 'application/octet-stream')
  const length = req.headers['content-length']
  if (length !== undefined) res.setHeader('Content-Length', length)
  // An upload that is cut short cuts the answer too: pipeline destroys both, a clean end would look like the whole.
  await pipeline(req, res).catch(() => {})
}
