import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { balanceTcp, type BalanceTcp } from '../../src/balance-tcp.ts'
import type { Pool } from '../../src/pool.ts'
import type { BalanceTcpOptions } from '../../src/tcp/options.ts'
import type { Worker } from '../../src/worker.ts'
import { noCrashes } from './crashes.ts'
import { poolOf } from './fakes.ts'
import { invariants } from './invariants.ts'
import { lastly } from './lastly.ts'
import { listen } from './listen.ts'
import { until } from './until.ts'

/** A worker that speaks what the test says. */
export interface TcpWorker {
  readonly url: string
  readonly port: number
  readonly server: Server
  /** All connections that it ever had. */
  readonly sockets: readonly Socket[]
}

/** Sends back what comes, to the end. */
export const echo = (socket: Socket): unknown => socket.pipe(socket)

/** Starts a worker; it leaves half-open connections open. Its sockets' errors are ignored. */
export async function tcpWorker(
  t: TestContext,
  serve: (socket: Socket) => unknown = echo,
): Promise<TcpWorker> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  const port = await listen(t, server)
  return { url: `http://127.0.0.1:${port}`, port, server, sockets }
}

/** A worker that says its name and waits. */
export function named(t: TestContext, name: string): Promise<TcpWorker> {
  return tcpWorker(t, (socket) => {
    socket.write(name)
    socket.on('end', () => socket.end()).resume()
  })
}

export interface TcpApp {
  readonly port: number
  readonly pool: Pool
  readonly balance: BalanceTcp
  /** The clients' connections, as the balancer has them. */
  readonly accepted: readonly Socket[]
}

type PoolOptions = Parameters<typeof poolOf>[2]

/**
 * A balancer over workers that are well. When the test is over, it fails if anything was thrown at the process, or a
 * connection or an attempt was left behind.
 */
export async function startTcp(
  t: TestContext,
  workers: readonly string[],
  {
    pool: poolOptions,
    server: createFor = (balance) => createServer(balance),
    isReady = true,
    of,
    ...options
  }: BalanceTcpOptions & {
    readonly pool?: PoolOptions
    readonly server?: (balance: BalanceTcp) => Server
    /** Whether the pool has its first verdicts before the app is given out. */
    readonly isReady?: boolean
    /** The pool, where it is not to be made of `workers`. */
    readonly of?: Pool
  } = {},
): Promise<TcpApp> {
  noCrashes(t)
  const pool = of ?? poolOf(t, workers, poolOptions)
  const held = invariants(pool, false)
  const balance = balanceTcp(pool, options)
  const server = createFor(balance)
  const accepted: Socket[] = []
  let open = 0
  server.on('connection', (socket: Socket) => {
    accepted.push(socket)
    open++
    socket.once('close', () => open--) // `socket.closed` says less: it is true of one whose handle was never closed
  })
  t.after(async () => {
    await Promise.all([balance.close({ timeout: 1 }), pool.close({ timeout: 1 })])
    const isOver = held().then(() => until('every accepted connection is closed', () => open === 0))
    await Promise.allSettled([isOver])
    lastly(t, () => isOver)
  })
  const port = await listen(t, server)
  if (isReady) await pool.ready
  return { port, pool, balance, accepted }
}

/** A client's connection that stands. It leaves the other half open, and ignores errors. */
export async function dialTcp(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  return socket.on('error', () => {})
}

/** The connections that this process makes from now on to a port: those of the balancer to a worker. */
export function connectionsTo(t: TestContext, port: number): readonly Socket[] {
  const sockets: Socket[] = []
  const note = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    socket.once('connect', () => {
      if (socket.remotePort === port) sockets.push(socket)
    })
  }
  subscribe('net.client.socket', note)
  t.after(() => void unsubscribe('net.client.socket', note))
  return sockets
}

/** All that comes to the end; rejects where a reset comes in its place. */
export async function whole(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The next bytes that come. */
export async function next(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString()
}

/** How a connection closes: `end`, or the code of an error. What comes is thrown away. */
export function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let how = 'closed'
    socket
      .on('end', () => void (how = 'end'))
      .on('error', (error: NodeJS.ErrnoException) => void (how = error.code ?? error.message))
      .on('close', () => resolve(how))
      .on('end', () => socket.end())
      .resume()
  })
}

/** How a connection closes that the client says nothing on; a reset may come before it stands for the client. */
export function fate(port: number): Promise<string> {
  return ending(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
}

/** Resolves when no connection is under way any more. */
export async function over({ pool }: Pick<TcpApp, 'pool'>): Promise<void> {
  await until(
    'no connection is under way',
    () => pool.metrics.active === 0 && pool.workers.every(({ inFlight }) => inFlight === 0),
  )
}

/** What became of the attempts of these workers; those that there were none of are left out. */
export function outcomes(workers: Iterable<Worker>): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const worker of workers)
    for (const [outcome, count] of Object.entries(worker.outcomes))
      if (count > 0) sums[outcome] = (sums[outcome] ?? 0) + count
  return sums
}

/** Fails unless the balancer has counted just these connections. */
export function assertCounts(
  { pool }: TcpApp,
  expected: { total: number; failed?: number; active?: number; unattempted?: number; retries?: number },
): void {
  const { total, failed, active, unattempted, retries } = pool.metrics
  assert.deepEqual(
    { total, failed, active, unattempted, retries },
    { failed: 0, active: 0, unattempted: 0, retries: 0, ...expected },
  )
}
