import type { Request, Response } from 'express'
import { pause } from './pause.ts'
import { wholeNumber } from './whole-number.ts'

/** Server-sent events, one by one: `count` of them (10), `interval` milliseconds apart (1000). */
export async function sendEvents(req: Request, res: Response): Promise<void> {
  const count = wholeNumber(req.query, 'count', { min: 1, max: 100_000 }) ?? 10
  const interval = wholeNumber(req.query, 'interval', { min: 0, max: 600_000 }) ?? 1000
  res.setHeader('Content-Type', 'text/event-stream')
  res.setHeader('Cache-Control', 'no-store')
  if (req.method === 'HEAD') return void res.end()
  for (let n = 1; n <= count; n++) {
    if (n > 1 && !(await pause(interval, res))) return
    res.write(`id: ${n}\ndata: ${n} of ${count}\n\n`)
  }
  res.end()
}
