import { once } from 'node:events'
import { Agent, request as plainRequest, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { BACKEND_HEADER } from './backends/answers.ts'
import { contents, receipt } from './backends/contents.ts'

/** What is asked again and again, and what must come back. */
export interface Exchange {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Bytes of the request's body. */
  readonly upload: number
  /** The whole body of the one right answer, which has status 200. */
  readonly expected: string
}

export function get(path: keyof typeof contents): Exchange {
  return { method: 'GET', path, upload: 0, expected: contents[path] }
}

export function post(bytes: number): Exchange {
  return { method: 'POST', path: '/post', upload: bytes, expected: receipt(bytes) }
}

/** How often `verify` asks: twice for each of three backends. */
const ASKED = 6

/**
 * Asks a subject by content, one request after the other.
 * @throws Error for a wrong status or body, or when fewer than three backends gave the answers (unless `answersItself`).
 */
export async function verify(origin: string, exchange: Exchange, answersItself = false): Promise<void> {
  const secure = origin.startsWith('https:')
  const agent = secure
    ? new TlsAgent({ keepAlive: true, rejectUnauthorized: false })
    : new Agent({ keepAlive: true })
  const seen = new Set<string>()
  try {
    for (let i = 0; i < ASKED; i++) seen.add(await ask(origin, exchange, agent))
  } finally {
    agent.destroy()
  }
  if (!answersItself && seen.size < 3)
    throw new Error(`of 3 backends only ${[...seen].join(', ')} gave answers`)
}

/** One verified request; resolves with the name of the backend that answered. */
async function ask(origin: string, exchange: Exchange, agent: Agent): Promise<string> {
  const { method, path, upload, expected } = exchange
  const headers = upload ? { 'content-length': upload, 'content-type': 'application/octet-stream' } : {}
  const request = origin.startsWith('https:') ? tlsRequest : plainRequest
  const req = request(`${origin}${path}`, { method, headers, agent, signal: AbortSignal.timeout(5000) })
  req.end(upload ? 'x'.repeat(upload) : undefined)
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  const body = await text(res)
  if (res.statusCode !== 200) throw new Error(`${method} ${path} has status ${res.statusCode}`)
  if (body !== expected)
    throw new Error(
      `${method} ${path} has a wrong body of ${body.length} bytes instead of ${expected.length}`,
    )
  return String(res.headers[BACKEND_HEADER])
}
