import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { startApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import { head, type Create } from '../support/hostile.ts'
import { rawClient } from '../support/raw-client.ts'
import { FINE, rawWorker, type RawRequest } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'

const BEGUN = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome'

const LEAVES: [when: string, request: string, answer: (socket: Socket, request: RawRequest) => void][] = [
  ['while it waits', head('GET /x'), () => {}],
  ['within the answer', head('GET /x'), (socket) => void socket.write(BEGUN)],
  [
    'within chunks',
    head('GET /x'),
    (socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n'),
  ],
  ['within its upload', `${head('POST /x', 'Content-Length: 1000')}some`, () => {}],
  ['within its upload in chunks', `${head('POST /x', 'Transfer-Encoding: chunked')}4\r\nsome\r\n`, () => {}],
  ['within both', `${head('POST /x', 'Content-Length: 1000')}some`, (socket) => void socket.write(BEGUN)],
  ['behind its upload', `${head('POST /x', 'Content-Length: 4')}some`, () => {}],
]

/** A client that leaves is known to the worker, and is nobody's failure. */
export function aborts(create: Create): void {
  for (const [when, request, answer] of LEAVES)
    for (const how of ['destroy', 'resetAndDestroy', 'end'] as const)
      test(`a client that leaves (${how}) ${when} closes the connection to the worker`, async (t) => {
        noCrashes(t)
        const worker = await rawWorker(t, (socket, got) => {
          if (got.path === '/fine') socket.write(FINE)
          else answer(socket, got)
        })
        const app = await startApp(t, [worker.url], { forwarder: create() })
        const client = await rawClient(t, app.port, request)
        await until('the worker is asked', () => worker.requests.length === 1)
        if (when.startsWith('within') && when !== 'within its upload' && !when.endsWith('upload in chunks'))
          await until('the answer has begun', () => client.received.includes('some'))
        client.socket[how]()
        await until("the worker's connection is closed", () => worker.sockets[0]?.closed === true)
        await until('nobody is active', () => app.pool.metrics.active === 0)
        const [attempted] = app.pool.workers
        assert.deepEqual(
          {
            failed: app.pool.metrics.failed,
            gone: attempted?.outcomes['client-gone'],
            inFlight: attempted?.inFlight,
          },
          { failed: 0, gone: 1, inFlight: 0 },
        )
        assert.equal(app.pool.metrics.retries, 0)
        assert.equal((await fetch(`${app.url}/fine`)).status, 200)
      })
}
