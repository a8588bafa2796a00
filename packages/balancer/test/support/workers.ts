import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { listenAsWorker } from './tls-workers.ts'

/** A worker that is an ordinary Node server. */
export interface TestWorker {
  readonly name: string
  readonly url: string
  readonly port: number
  readonly server: Server
  /** `METHOD path` of all requests but probes. */
  readonly requests: string[]
  /** What `/health` answers. */
  health: number
}

type Answer = (req: IncomingMessage, res: ServerResponse, worker: TestWorker) => void

/** Answers with its name. */
const named: Answer = (_req, res, worker) => void res.end(worker.name)

export async function startWorker(t: TestContext, answer: Answer = named, name = 'w'): Promise<TestWorker> {
  const server = createServer((req, res) => {
    if (req.url !== '/health') worker.requests.push(`${req.method} ${req.url}`)
    if (req.url === '/health') res.writeHead(worker.health).end()
    else if (req.url === '/fine') res.end('fine')
    else answer(req, res, worker)
  })
  const { port, url } = await listenAsWorker(t, server)
  const worker = {
    name,
    port,
    url,
    server,
    requests: [] as string[],
    health: 200,
  }
  return worker
}

/** Workers named a, b, c … */
export function startWorkers(t: TestContext, count: number, answer?: Answer): Promise<TestWorker[]> {
  const names = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i))
  return Promise.all(names.map((name) => startWorker(t, answer, name)))
}

/** Answers with the method, path, headers and body length that it got. */
export const mirror: Answer = (req, res) => {
  let length = 0
  req.on('data', (data: Buffer) => void (length += data.length))
  req.on('end', () => {
    const { method, url, headers } = req
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ method, url, headers, length }))
  })
}

/** Sends a request's body back as it comes. */
export const echo: Answer = (req, res) => void req.pipe(res)
