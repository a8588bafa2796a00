import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { queueless, refusing, withoutFiles, type Unreachable } from './unreachable.ts'
import { serve, type SeenRequest, type WireFault } from './wire.ts'
import { wellAnswer } from './well-answer.ts'

/** What is wrong with a worker. */
export type Fault =
  | WireFault
  /** Nobody listens at its port, and nobody else gets that before the worker is closed. */
  | { readonly does: 'refuse' }
  /**
   * It has no room for another connection:
   * - `backlog`: nobody takes those that wait, and the queue of them is full, so that none comes to stand
   * - `connections`: each is closed as soon as it stands, as Node's `server.maxConnections` has it
   * - `files`: its process may open no more files, so that the system closes each (needs `sh`)
   */
  | { readonly does: 'run out'; readonly of: 'backlog' | 'connections' | 'files' }

export interface FaultyWorkerOptions {
  /** Paths whose requests are answered well, as far as the worker gets to see them. Default `/health` alone. */
  readonly spared?: readonly string[]
  /** What it would answer if it were well. Default `wellAnswer`. */
  readonly answer?: (request: SeenRequest) => string | Buffer
  /** Puts TLS in front of it, which hands it each connection whose handshake is over. Default none. */
  readonly inTls?: (worker: Server) => Server
}

/** A worker with a fault. What it saw is known but for one that refuses, or lacks `backlog` or `files`. */
export interface FaultyWorker {
  readonly url: string
  readonly port: number
  /** Connections ever made to it, and those of them that stand. */
  readonly connections: number
  readonly open: number
  /** Requests, from the moment that their heads were read. */
  readonly requests: readonly SeenRequest[]
  /** Ends it, and all connections to it; nothing of it is left when this resolves. */
  close(): Promise<void>
}

/**
 * Starts a worker with `fault` on a free port of 127.0.0.1, to see how those behave who rely on it:
 *
 * ```js
 * const worker = await startFaultyWorker({ does: 'reset', after: { response: 20 } })
 * const pool = createPool([worker.url, good])
 * …
 * await worker.close()
 * ```
 */
export async function startFaultyWorker(
  fault: Fault,
  { spared = ['/health'], answer = wellAnswer, inTls }: FaultyWorkerOptions = {},
): Promise<FaultyWorker> {
  const scheme = inTls ? 'https' : 'http'
  if (fault.does === 'refuse') return unseen(scheme, await refusing())
  if (fault.does === 'run out' && fault.of === 'backlog') return unseen(scheme, await queueless())
  if (fault.does === 'run out' && fault.of === 'files') return unseen(scheme, await withoutFiles())
  const requests: SeenRequest[] = []
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    open.add(socket)
    socket.once('close', () => open.delete(socket)).on('error', () => {}) // that it breaks is the point
    if (fault.does !== 'run out') serve(socket, fault, { spared, answer, requests })
  })
  const front = inTls?.(server) ?? server
  if (fault.does === 'run out') front.maxConnections = 0
  front.on('drop', () => connections++)
  const port = await listen(front)
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections
    },
    get open() {
      return open.size
    },
    requests,
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => front.close(resolve))
    },
  }
}

function unseen(scheme: string, worker: Unreachable): FaultyWorker {
  return { ...worker, url: `${scheme}://127.0.0.1:${worker.port}`, connections: 0, open: 0, requests: [] }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}
