import { createServer, type IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import type { Carried, Forwarder, Terms } from '../../src/index.ts'
import { toHeaderOptions } from '../../src/forwarders/request-headers.ts'
import { toLimits } from '../../src/limits.ts'
import { toKeepAlive, toTimeouts } from '../../src/timeouts.ts'
import { toTls, type Tls } from '../../src/tls.ts'
import { Worker } from '../../src/worker.ts'
import type { Create } from './hostile.ts'
import { listen } from './listen.ts'
import { trusted } from './tls-workers.ts'

/** A worker to try, with the terms that are not as usual. */
export interface Attempt extends Partial<Terms> {
  readonly worker: Worker
}

export interface Carrier {
  readonly forwarder: Forwarder
  readonly port: number
  readonly url: string
  /** What has become of the attempts, in the order in which they ended. */
  readonly ends: (Carried | Error)[]
}

export function workerAt(url: string): Worker {
  return new Worker(url, 0, 'worker')
}

/** A forwarder with nothing but a server around it: each request is tried as `plan` says, until an attempt does not fail. */
export async function carrier(
  t: TestContext,
  create: Create,
  plan: (req: IncomingMessage) => readonly Attempt[],
): Promise<Carrier> {
  const forwarder = create()
  const tls = toTls(trusted().tls)
  t.after(() => forwarder.close())
  const ends: (Carried | Error)[] = []

  async function anyOf(
    req: IncomingMessage,
    forward: (worker: Worker, terms: Terms) => Promise<Carried>,
  ): Promise<boolean> {
    for (const { worker, ...terms } of plan(req))
      try {
        ends.push(await forward(worker, { ...usual(tls), ...terms }))
        return true
      } catch (error) {
        ends.push(error as Error)
      }
    return false
  }

  const server = createServer((req, res) => {
    void anyOf(req, (worker, terms) => forwarder.forward(req, res, worker, terms)).then((isCarried) => {
      if (isCarried) return
      if (res.headersSent) res.destroy()
      else res.writeHead(500).end('nobody')
    })
  })
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => {})
    void anyOf(req, (worker, terms) => forwarder.upgrade(req, socket, head, worker, terms)).then(
      (isCarried) => isCarried || socket.end('HTTP/1.1 500 Nobody\r\nConnection: close\r\n\r\n'),
    )
  })
  const port = await listen(t, server)
  return { forwarder, port, url: `http://127.0.0.1:${port}`, ends }
}

function usual(tls: Tls): Terms {
  return {
    timeouts: toTimeouts(),
    limits: toLimits(),
    keepAlive: toKeepAlive(),
    tls,
    headers: toHeaderOptions({}),
    id: 'a-request',
    until: performance.now() + 60_000,
    fresh: false,
    unwanted: new Set(),
  }
}
