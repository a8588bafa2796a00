import assert from 'node:assert/strict'
import { once, type EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { FailureKind, PoolOptions } from '../../src/index.ts'
import type { Fault } from '../faults/faulty-worker.ts'
import { startApp, STEADY, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import { faulty } from '../support/faulty.ts'
import { Remembered } from '../support/garbage.ts'
import { head, type Create } from '../support/hostile.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import { areWorkersInTls } from '../support/tls-workers.ts'
import { nothingLeft, resources } from '../support/resources.ts'
import { until } from '../support/until.ts'
import { ALL, ASKS, LATE, ROWS, UNANSWERED, UNREACHED, type Ask, type Sees } from './faults-table.ts'

/** Timeouts are short where it is them that is seen, else longer than any pause of a busy machine. */
function limited(kind: FailureKind | undefined): PoolOptions {
  const limit = kind === 'timeout' ? 100 : 30_000
  const timeouts = { connect: limit, response: limit, idle: limit, body: limit, upgrade: limit }
  return { ...STEADY, strategy: (eligible) => eligible[0], timeouts } // the faulty one is always asked first
}

/** Every fault of a worker: what its clients see, what is counted, who else is asked, and that nothing of it is left. */
export function faults(create: Create): void {
  for (const [who, fault, plainly, except] of ROWS) {
    const sees = areWorkersInTls() && fault.does === 'run out' && fault.of !== 'backlog' ? UNREACHED : plainly // it shakes no hands
    test(`a worker that ${who}`, { concurrency: true }, async (t) => {
      noCrashes(t)
      const before = resources()
      await Promise.all(
        ALL.flatMap((ask) => [
          t.test(`for ${ask}`, (t) => alone(t, create, fault, ask, except?.[ask] ?? sees)),
          t.test(`for ${ask}, beside a good one`, (t) =>
            beside(t, create, fault, ask, except?.[ask] ?? sees),
          ),
        ]),
      )
      await nothingLeft(before)
    })
  }

  for (const [who, does, sees, asked] of [
    ['resets', 'reset', UNANSWERED, 2],
    ['ends its side', 'end', UNANSWERED, 2],
    ['falls silent', 'fall silent', LATE, 1],
  ] as const)
    for (const ask of ['a GET', 'a POST'] as const) {
      const times = ask === 'a GET' ? asked : 1
      test(`a worker that ${who} within ${ask} on a kept connection is ${times === 1 ? 'not asked again' : 'asked once more, on a new one'}`, async (t) => {
        noCrashes(t)
        const worker = await faulty(t, { does, after: { request: 500 } })
        const app = await startApp(t, [worker.url], { pool: limited(sees.kind), forwarder: create() })
        const client = await rawClient(t, app.port)
        assert.equal(await answer(client, 'a GET'), 'well')
        client.send(ask === 'a GET' ? head('GET /x', `X-Long: ${'x'.repeat(500)}`) : ASKS[ask])
        assert.equal((await client.response()).status, Number(sees.answer))
        const { metrics, workers } = app.pool
        assert.deepEqual([metrics.total, metrics.failed, metrics.retries], [2, 1, times - 1])
        assert.deepEqual(only(workers[0]?.failures), { [sees.kind ?? '']: times })
        assert.equal(worker.connections, times)
        await until('no connection to the worker is left', () => worker.open === 0)
      })
    }

  test('workers with all faults at once, under load, leave nothing behind', (t) => chaos(t, create))
}

async function alone(t: TestContext, create: Create, fault: Fault, ask: Ask, sees: Sees): Promise<void> {
  const worker = await faulty(t, fault)
  const app = await startApp(t, [worker.url], { pool: limited(sees.kind), forwarder: create() })
  const connected = once(app.server, 'connection') as Promise<[Socket]>
  const client = await rawClient(t, app.port)
  const [socket] = await connected
  assert.equal(await answer(client, ask), sees.answer)
  await counted(app, 0, sees, ask)
  if (sees.answer === '502' && ask !== 'a WebSocket') await again(app, client, ask, socket)
  if (sees.answer !== 'well' && fault.does !== 'stop reading')
    await until('no connection to the worker is left', () => worker.open === 0)
  client.socket.destroy()
  const connections = promisify(app.server.getConnections.bind(app.server))
  await until('no connection of the client is left', async () => (await connections()) === 0)
  await app.balance.close()
  if (fault.does !== 'stop reading') await until('no connection at all is left', () => worker.open === 0)
}

async function beside(t: TestContext, create: Create, fault: Fault, ask: Ask, sees: Sees): Promise<void> {
  const workers = [await faulty(t, fault), await faulty(t, { does: 'dribble', bytes: 1000, pause: 0 })]
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    { pool: limited(sees.kind), forwarder: create() },
  )
  const client = await rawClient(t, app.port)
  const moves = sees.moves.includes(ask)
  assert.equal(await answer(client, ask), moves ? 'well' : sees.answer)
  assert.equal(workers[1]?.requests.length, moves ? 1 : 0)
  await counted(app, moves ? 1 : 0, sees, ask)
}

/** What a client is answered. */
async function answer(client: RawClient, ask: Ask): Promise<string> {
  client.send(ASKS[ask])
  const message = await client.response().catch((error: unknown) => {
    if (!client.isOver) throw error
  })
  if (!message) return 'cut'
  if (message.status !== 101)
    return message.body === 'hello' && message.status === 200 ? 'well' : `${message.status}`
  await until('the first message', () => client.received.endsWith('hello'))
  client.socket.end()
  return 'well'
}

/** The one request is counted as it ended; `retries` of it went to the good worker. */
async function counted(app: TestApp, retries: 0 | 1, { kind }: Sees, ask: Ask): Promise<void> {
  const { metrics, workers } = app.pool
  await until('nobody is active', () => metrics.active === 0)
  const well = ask === 'a WebSocket' ? '1xx' : '2xx'
  const failed = kind !== undefined && retries === 0 ? 1 : 0
  assert.deepEqual(
    [metrics.total, metrics.failed, metrics.retries, metrics.unattempted],
    [1, failed, retries, 0],
    'total, failed, retries, unattempted',
  )
  const [worker, other] = workers
  assert.deepEqual(only(worker?.outcomes), { [kind === undefined ? well : 'failed']: 1 })
  assert.deepEqual(only(worker?.failures), kind === undefined ? {} : { [kind]: 1 })
  if (other) assert.deepEqual(only(other.outcomes), retries === 1 ? { [well]: 1 } : {})
}

/** The counts above 0. */
function only(counts: Readonly<Record<string, number>> = {}): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** A dozen more of the same over the same connection leave no listener with what lives on. */
async function again(app: TestApp, client: RawClient, ask: Ask, socket: Socket): Promise<void> {
  const emitters: readonly EventEmitter[] = [socket, app.server, app.pool, process]
  const before = emitters.map(listeners)
  for (let i = 0; i < 12; i++) {
    assert.equal(await answer(client, ask), '502')
    await until('nobody is active', () => app.pool.metrics.active === 0)
  }
  assert.deepEqual(emitters.map(listeners), before)
}

function listeners(emitter: EventEmitter): Record<string, number> {
  return Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]))
}

const CLIENTS = 12
const REQUESTS = 15

/** All at once; what holds at the end of every story (support/invariants.ts) holds at the end of this one. */
async function chaos(t: TestContext, create: Create): Promise<void> {
  noCrashes(t)
  const workers = await Promise.all(ROWS.map(([, fault]) => faulty(t, fault)))
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    { pool: { ...limited('timeout'), strategy: 'round-robin' }, forwarder: create() },
  )
  const served = new Remembered()
  app.server.on('request', (req, res) => served.add(req, res))
  app.server.on('upgrade', (req, socket) => served.add(req, socket))
  const answers = new Map<string, number>()
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      for (let n = i; n < i + REQUESTS; n++) {
        const client = await rawClient(t, app.port)
        const said = await answer(client, ALL[n % ALL.length] as Ask)
        answers.set(said, (answers.get(said) ?? 0) + 1)
        client.socket.destroy()
      }
    }),
  )
  assert.deepEqual(Array.from(answers.keys()).toSorted(), ['502', '504', 'cut', 'well'])
  assert.equal(app.pool.metrics.total, CLIENTS * REQUESTS)
  await until('nobody is active', () => app.pool.metrics.active === 0)
  app.errors.splice(0) // V8 keeps what was on the stack for as long as an error
  await served.released()
}
