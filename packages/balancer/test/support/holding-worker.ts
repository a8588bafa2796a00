import { createServer, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { WebSocketServer } from 'ws'
import { listenAsWorker } from './tls-workers.ts'
import { until } from './until.ts'

/** A worker whose exchanges go on until the test ends them, and which never closes a connection by itself. */
export interface HoldingWorker {
  readonly url: string
  readonly id: string
  /** Connections that stand, those of WebSockets too. */
  readonly open: ReadonlySet<Socket>
  /** Requests and upgrades that it got. */
  readonly requests: number
  /** Ends what was asked for at `/slow`. */
  answer(): void
}

/**
 * `/slow` waits for `answer`, `/events` is an event stream that does not end, WebSockets stay; whatever else is
 * answered at once, with `name`.
 */
export async function holdingWorker(t: TestContext, name: string): Promise<HoldingWorker> {
  const open = new Set<Socket>()
  const slow: ServerResponse[] = []
  let requests = 0
  // Without a time of its own, and without telling one: who closes an idle connection is the balancer.
  const server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
    requests++
    if (req.url === '/slow') slow.push(res)
    else if (req.url === '/events') res.setHeader('content-type', 'text/event-stream').write('data: 1\n\n')
    else res.end(name)
  })
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  new WebSocketServer({ server }).on('connection', (socket) => {
    requests++
    socket.on('error', () => {})
  })
  const { port, url } = await listenAsWorker(t, server)
  return {
    url,
    id: `127.0.0.1:${port}`,
    open,
    get requests() {
      return requests
    },
    answer() {
      for (const res of slow.splice(0)) res.end(name)
    },
  }
}

/** Opens idle connections from a balancer to a worker, by so many requests at the same time. */
export async function warmUp(app: { url: string }, worker: HoldingWorker, count: number): Promise<void> {
  const before = worker.requests
  const answers = Array.from({ length: count }, () => fetch(`${app.url}/slow`))
  await until('all are asked', () => worker.requests === before + count)
  worker.answer()
  for (const answer of answers) await (await answer).text()
}
