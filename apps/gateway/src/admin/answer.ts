import type { Request, Response } from 'express'
import type { Gateway } from '../gateway.ts'

/** What a request of the admin API is answered. */
export interface Answer {
  readonly status: number
  /** Goes out as JSON. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** What was changed, for the log; nothing where the log knows already. */
  readonly done?: string
}

/** Answers a request. @throws Problem if it cannot be done. */
export type Handler = (gateway: Gateway, req: Request, res: Response) => Answer | Promise<Answer>

/** An answer of what there is. */
export function ok(body: unknown): Answer {
  return { status: 200, body }
}
