import assert from 'node:assert/strict'
import type { RequestListener, Server } from 'node:http'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { isWebSocket, type LoadBalanceOptions, type PoolOptions } from '../../src/index.ts'
import { STEADY, type startApp } from './app.ts'
import { noCrashes } from './crashes.ts'
import type { Lack } from './forwarders.ts'
import { head, OK, type Create } from './hostile.ts'
import { rawClient, type RawClient } from './raw-client.ts'
import { rawWorker, type RawRequest, type RawWorker } from './raw-worker.ts'
import { until } from './until.ts'
import { expected, requestText, responseText, type Changing } from './wire.ts'

/** The very text, a pattern, or one of several texts that are as good. */
type Expected = string | RegExp | readonly string[]

/** One row of the tables: what goes in at both ends, and what comes out at both. */
export type Row = readonly [
  what: string,
  /** What the client sends: all at once, or each part when another response to those before has come. */
  request: string | readonly string[],
  /** What the worker answers when a request is whole; undefined where it does not matter. */
  answer: string | ((socket: Socket, request: RawRequest) => void) | undefined,
  /** All requests that the worker gets. */
  worker: readonly Expected[],
  /** All responses that the client gets, interim ones too; one that is cut begins with `cut: `. */
  client: readonly Expected[],
  setting?: Setting,
]

export interface Setting {
  readonly balance?: LoadBalanceOptions
  readonly pool?: PoolOptions
  /** The client is a trusted proxy. */
  readonly isTrusted?: boolean
  /** The server leaves `Expect: 100-continue` to the app. */
  readonly continues?: boolean
  /** The server takes WebSockets for upgrades and nothing else. */
  readonly choosesUpgrades?: boolean
  /** How many connections the worker has had after another request. */
  readonly connections?: number
}

/** What a worker gets: the lines that the balancer says itself, and these. `!name` says that a usual line is not there. */
export function asked(line: string, lines: readonly string[] = [], body = ''): string {
  return expected(`${line} HTTP/1.1`, USUAL, lines, body)
}

const USUAL = [
  'connection: keep-alive',
  'host: example.test',
  'via: 1.1 rondo',
  'x-forwarded-for: 127.0.0.1',
  'x-forwarded-host: example.test',
  'x-forwarded-port: {port}',
  'x-forwarded-proto: http',
  'x-request-id: {uuid}',
]

/** The same for a request without a body: no length and a length of 0 are alike (RFC 9112, 6.3), and forwarders differ. */
export function withoutBody(line: string, lines: readonly string[] = []): string[] {
  return [asked(line, lines), asked(line, [...lines, 'content-length: 0'])]
}

/** What a worker is told of its connection by an upload in chunks. */
export function afterChunks(lacks: ReadonlySet<Lack>): string[] {
  return lacks.has('use of a connection after chunks') ? ['connection: close'] : []
}

/** What a client gets, likewise. Interim responses have no usual lines. */
export function answered(
  status: string,
  lines: readonly string[] = [],
  body = '',
  trailers: readonly string[] = [],
): string {
  const usual = status.startsWith('1') ? [] : ['connection: keep-alive', 'date: {now}']
  return expected(`HTTP/1.1 ${status}`, usual, lines, body, trailers)
}

/** `OK` as a client gets it. */
export const GOOD = answered('200 OK', ['content-length: 2'], 'ok')
export const GOOD_AND_CLOSED = answered('200 OK', ['content-length: 2', 'connection: close'], 'ok')

/** An answer of the balancer or of Node's parser that ends the connection. */
export function refused(...statuses: number[]): RegExp {
  return new RegExp(`^HTTP/1\\.1 (${statuses.join('|')}) [^]*^connection: close$`, 'm')
}

/** An answer of the balancer that keeps the connection. */
export function declined(...statuses: number[]): RegExp {
  return new RegExp(`^HTTP/1\\.1 (${statuses.join('|')}) [^]*^connection: keep-alive$`, 'm')
}

/** A row of what a worker answers, to a GET of `/x` if nothing else is said, and what its client gets. */
export function got(what: string, answer: Row[2], client: Row[4][number], request = head('GET /x')): Row {
  return [what, request, answer, [/^(GET|HEAD) \/x /], [client]]
}

/** Declares a test for each row, on an app that `start` makes. */
export function conforms(create: Create, rows: readonly Row[], start: typeof startApp): void {
  for (const row of rows) test(row[0], (t) => play(t, create, row, start))
}

async function play(t: TestContext, create: Create, row: Row, start: typeof startApp): Promise<void> {
  const [, request, answer = OK, expectedAtWorker, expectedAtClient, setting = {}] = row
  noCrashes(t)
  const worker = await rawWorker(t, typeof answer === 'string' ? whenWhole(answer) : answer)
  const app = await start(t, [worker.url], {
    ...setting.balance,
    forwarder: create(),
    pool: { ...STEADY, ...setting.pool },
    ...(setting.isTrusted && { trustedProxies: ['loopback'] }),
    before: (express) =>
      void express.disable('x-powered-by').set('trust proxy', setting.isTrusted ? 'loopback' : false),
  })
  prepare(app.server, setting)
  const changing = { appPort: app.port, workerPort: worker.port }

  const [first = '', ...parts] = typeof request === 'string' ? [request] : request
  const client = await rawClient(t, app.port, first)
  const atClient: string[] = []
  while (atClient.length < expectedAtClient.length && !atClient.at(-1)?.startsWith('cut: ')) {
    const isHead = first.startsWith('HEAD')
    atClient.push(
      await client.response({ head: isHead }).then(
        (message) => responseText(message, changing),
        () => `cut: ${client.received}`,
      ),
    )
    client.send(parts.shift() ?? '')
  }
  same(atClient, expectedAtClient, 'the client')

  await isStillOfUse(t, app.port, client, atClient.at(-1))
  const atWorker = await requests(worker, expectedAtWorker, changing)
  same(atWorker, expectedAtWorker, 'the worker')
  if (setting.connections !== undefined) assert.equal(worker.sockets.length, setting.connections)
  await until('nobody is active', () => app.pool.metrics.active === 0)
  assert.equal(app.pool.workers[0]?.inFlight, 0)
}

/** An answer to a request that has come as a whole. */
export function whenWhole(answer: string): (socket: Socket, request: RawRequest) => void {
  return (socket, request) => {
    const write = (): void => {
      if (!request.isWhole) return
      socket.off('data', write).write(Buffer.from(answer, 'latin1'))
    }
    socket.on('data', write)
    write()
  }
}

function prepare(server: Server, { continues, choosesUpgrades }: Setting): void {
  if (continues) server.on('checkContinue', server.listeners('request')[0] as RequestListener)
  if (choosesUpgrades) Object.assign(server, { shouldUpgradeCallback: isWebSocket })
}

/** Asks for something else: on the same connection if that stands, else it must be over and nothing may be left. */
async function isStillOfUse(
  t: TestContext,
  port: number,
  client: RawClient,
  last: string | undefined,
): Promise<void> {
  let next = client
  if (!last || /^cut: |^HTTP\/1.1 101 |^connection: close$/m.test(last)) {
    if (last?.startsWith('HTTP/1.1 101 ')) client.socket.destroy()
    else if (!last?.startsWith('cut: '))
      assert.equal(await client.rest(), '', 'nothing behind the last response')
    next = await rawClient(t, port)
  }
  next.send('GET /fine HTTP/1.1\r\nHost: after\r\n\r\n')
  const { status, body } = await next.response()
  assert.deepEqual([status, body], [200, 'fine'])
  assert.equal(next.received, '', 'nothing behind the last response')
}

/** What the worker got, once all bodies are as long as expected. */
async function requests(
  worker: RawWorker,
  expectations: readonly Expected[],
  changing: Changing,
): Promise<string[]> {
  const texts = (): string[] =>
    worker.requests.filter(({ path }) => path !== '/fine').map((request) => requestText(request, changing))
  const isLong = (text: string, i: number): boolean => {
    const expectation = expectations[i]
    return typeof expectation !== 'string' || text.length >= expectation.length
  }
  await until('the bodies are there', () => texts().every(isLong), 2000).catch(() => {})
  return texts()
}

function same(got: readonly string[], expectations: readonly Expected[], who: string): void {
  for (const [i, expectation] of expectations.entries()) {
    const text = got[i] ?? 'nothing'
    const isRight =
      typeof expectation === 'string'
        ? text === expectation
        : expectation instanceof RegExp
          ? expectation.test(text)
          : expectation.includes(text)
    if (!isRight) assert.fail(`${who} gets, as number ${i + 1},\n${text}\ninstead of\n${String(expectation)}`)
  }
  assert.deepEqual(got.slice(expectations.length), [], `what else ${who} gets`)
}
