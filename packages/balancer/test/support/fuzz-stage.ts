import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createPool, isWebSocket, loadBalance, type Pool } from '../../src/index.ts'
import { STEADY } from './app.ts'
import { noCrashes } from './crashes.ts'
import type { Create } from './hostile.ts'
import { listen } from './listen.ts'
import type { StrictRequest } from './strict-http.ts'
import { strictWorker, type Taken } from './strict-worker.ts'
import { trusted } from './tls-workers.ts'

/** How long anything may take before it counts as hanging, in ms. */
const BOUND = 5000

export interface FuzzStage {
  readonly pool: Pool
  /** Ends what a failure has left behind, lest it is laid to the next. */
  readonly clear: () => Promise<void>
  /** A new connection, over which `pieces` go out one by one. */
  readonly talk: (pieces: readonly string[]) => Promise<Talk>
  /** Resolves with what the worker got since, once nothing is under way; all is counted, and nothing was thrown. */
  readonly rests: () => Promise<Taken>
}

/** A client's end of a connection. */
export interface Talk {
  readonly received: string
  /** How the other side has ended it. */
  readonly over: 'ended' | 'broken' | undefined
  readonly socket: Socket
  send(pieces: readonly string[]): Promise<void>
  /** Resolves once `condition` holds or the connection is over. */
  until(what: string, condition: () => boolean): Promise<void>
}

/** A balancer set up as the gateway does it, before one strict worker. */
export async function fuzzStage(
  t: TestContext,
  create: Create,
  answer: (request: StrictRequest, socket: Socket) => void,
): Promise<FuzzStage> {
  const crashes = noCrashes(t)
  const worker = await strictWorker(t, answer)
  // Behind an upgrade that is declined, Node's parser does not tell that a body is bad: only time does.
  const pool = createPool([worker.url], { ...trusted(), ...STEADY, timeouts: { body: 1000 } })
  const balance = loadBalance(pool, { forwarder: create() })
  const serve = (req: IncomingMessage, res: ServerResponse): void => void balance(req, res)
  // Node's own answer to a request without a Host ends the connection, but serves what has come behind it.
  const server = createServer({ shouldUpgradeCallback: isWebSocket, requireHostHeader: false }, serve)
  server
    .on('checkContinue', serve)
    .on('upgrade', (req, socket, head) => void balance.upgrade(req, socket, head))
  const port = await listen(t, server)
  t.after(() => {
    void balance.close({ timeout: 1 })
    void pool.close()
  })
  const { metrics } = pool
  const talks: Talk[] = []
  let known = 0
  async function idle(): Promise<void> {
    const end = performance.now() + BOUND
    while (metrics.active > 0 && performance.now() < end) await turn()
    for (let i = 0; i < 3; i++) await turn() // what was written last is with the worker by then
  }
  return {
    pool,
    async clear() {
      for (const { socket } of talks.splice(0)) socket.destroy()
      await idle()
      worker.take()
    },
    async talk(pieces) {
      const talk = createTalk(port)
      talks.push(talk)
      await talk.send(pieces)
      return talk
    },
    async rests() {
      await idle()
      const taken = worker.take()
      const thrown = crashes.slice(known)
      known = crashes.length
      const [{ inFlight, requests } = { inFlight: -1, requests: -1 }] = pool.workers
      assert.deepEqual({ active: metrics.active, inFlight }, { active: 0, inFlight: 0 })
      assert.equal(requests, metrics.total - metrics.unattempted + metrics.retries, 'attempts are counted')
      assert.deepEqual(thrown, [])
      assert.deepEqual(taken.faults, [], 'what goes to workers is beyond reproach')
      return taken
    },
  }
}

function createTalk(port: number): Talk {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  let received = ''
  let over: Talk['over']
  let look = (): void => {}
  const ends = (how: NonNullable<Talk['over']>) => (): void => {
    over ??= how
    look()
  }
  socket.on('error', ends('broken')).on('end', ends('ended')).on('close', ends('broken'))
  socket.on('data', (data) => {
    received += data.toString('latin1')
    look()
  })
  return {
    socket,
    get received() {
      return received
    },
    get over() {
      return over
    },
    async send(pieces) {
      for (const piece of pieces) {
        if (over) return
        socket.write(piece, 'latin1')
        await turn()
      }
    },
    async until(what, condition) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const timer = setTimeout(
        () => reject(new Error(`hangs: ${what}; got ${JSON.stringify(received)}`)),
        BOUND,
      )
      look = () => {
        if (over || condition()) resolve()
      }
      look()
      await promise.finally(() => clearTimeout(timer))
    },
  }
}
