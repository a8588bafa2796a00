import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Forwarder } from '../../src/index.ts'
import { startApp, type TestApp } from './app.ts'
import { noCrashes } from './crashes.ts'
import { rawClient, type RawClient } from './raw-client.ts'
import { rawWorker, type RawRequest, type RawWorker } from './raw-worker.ts'
import { until } from './until.ts'
import type { Socket } from 'node:net'

export type Create = () => Forwarder

export interface Stage {
  readonly app: TestApp
  readonly worker: RawWorker
  /** A connection to the app, with `bytes` sent. */
  readonly client: (bytes?: string | Uint8Array) => Promise<RawClient>
  /** The app still serves, through the connection it already has or a new one, and counts nobody as active. */
  readonly servesOn: (client?: RawClient) => Promise<void>
}

/** One raw worker behind an app, in a test that fails when anything is thrown at the process. */
export async function stage(
  t: TestContext,
  create: Create,
  answer: string | ((socket: Socket, request: RawRequest) => void) = OK,
): Promise<Stage> {
  noCrashes(t)
  const worker = await rawWorker(t, answer)
  const app = await startApp(t, [worker.url], { forwarder: create() })
  return {
    app,
    worker,
    client: (bytes) => rawClient(t, app.port, bytes),
    async servesOn(client) {
      const next = client ?? (await rawClient(t, app.port))
      next.send('GET /fine HTTP/1.1\r\nHost: after\r\n\r\n')
      const { status, body } = await next.response()
      assert.deepEqual([status, body], [200, 'fine'])
      await until('nobody is active', () => app.pool.metrics.active === 0)
      assert.deepEqual(
        app.pool.workers.map(({ inFlight }) => inFlight),
        [0],
      )
    },
  }
}

/** What a raw worker answers when the answer does not matter. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** A request head. */
export function head(line: string, ...headers: string[]): string {
  return `${[`${line} HTTP/1.1`, 'Host: example.test', ...headers].join('\r\n')}\r\n\r\n`
}
