import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { createWorker, type WorkerOptions } from '../src/app.ts'

/** A worker on a free port, gone when the test is over. */
export async function runningWorker(t: TestContext, options: WorkerOptions = {}): Promise<Running> {
  const server = createWorker(options)
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return { server, port: address.port, url: `http://localhost:${address.port}` }
}

export interface Running {
  readonly server: ReturnType<typeof createWorker>
  readonly port: number
  readonly url: string
}

/** The answer to a request, unread. */
export function answerTo(req: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    req.once('response', resolve)
    req.on('error', reject)
  })
}

/** Waits for a condition; the test's own timeout is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
