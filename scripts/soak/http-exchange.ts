import { createHash } from 'node:crypto'
import { request, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ending } from './rules.ts'

/** When a client leaves: so many ms after it has come, when the head of the response is there, or in its own upload. */
export type Abort = number | 'response' | 'upload'

export interface Plan {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  /** `false` for a connection of its own. */
  readonly agent: Agent | false
  readonly body?: Buffer | undefined
  /** The lengths of the pieces in which the body goes out, chunked; otherwise it goes at once, with its length. */
  readonly pieces?: readonly number[] | undefined
  readonly abort?: Abort | undefined
  /** What is wrong with the answer; `undefined` if nothing is. */
  readonly check: (answer: Answer) => string | undefined
}

export interface Answer {
  readonly res: IncomingMessage
  readonly sha: string
  readonly length: number
  /** The body's beginning. */
  readonly text: string
}

/** How long an exchange may take, in ms: longer than a worker is paused, shorter than the balancer's own bounds. */
export const PATIENCE = 20_000
const KEPT = 4096

/** One request with its answer, to the end. */
export function exchange(origin: string, plan: Plan): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>()
  const { method, agent, abort, headers } = plan
  const req = request(`${origin}${plan.path}`, { method, agent, headers })
  let left = false
  let begun = false
  const end = (ending: Ending): void => resolve(left ? { how: 'aborted' } : ending)
  const leave = (): void => {
    left = true
    end({ how: 'aborted' })
    req.destroy()
  }
  const late = setTimeout(() => {
    end({ how: 'late' })
    req.destroy()
  }, PATIENCE)
  const soon = typeof abort === 'number' ? setTimeout(leave, abort) : undefined

  const cut = ({ message }: Error): void => end({ how: 'cut', begun, why: message })
  req.on('error', cut)
  req.on('response', (res) => {
    begun = true
    if (abort === 'response') return leave()
    read(res).then((answer) => {
      const why = plan.check(answer)
      if (res.statusCode !== 200) end({ how: 'refused', status: res.statusCode ?? 0 })
      else end(why === undefined ? { how: 'whole' } : { how: 'wrong', why })
    }, cut)
  })
  void send()

  /** Writes the body; what goes wrong meanwhile is the request's `error`. */
  async function send(): Promise<void> {
    const { body, pieces } = plan
    if (!body) return void req.end()
    if (!pieces) {
      if (abort !== 'upload') return void req.end(body)
      req.write(body.subarray(0, body.length / 2))
      return leave()
    }
    let at = 0
    for (const [i, length] of pieces.entries()) {
      if (abort === 'upload' && i > 0) return leave()
      if (req.destroyed) return
      req.write(body.subarray(at, (at += length)))
      await sleep(1)
    }
    req.end()
  }

  return promise.finally(() => {
    clearTimeout(late)
    clearTimeout(soon)
  })
}

async function read(res: IncomingMessage): Promise<Answer> {
  const hash = createHash('sha256')
  let length = 0
  let text = ''
  for await (const chunk of res as AsyncIterable<Buffer>) {
    hash.update(chunk)
    length += chunk.length
    if (text.length < KEPT) text += chunk.toString('latin1')
  }
  return { res, sha: hash.digest('hex'), length, text }
}
