import type { Socket } from 'node:net'
import { Active } from './active.ts'
import { toDrain, type DrainOptions } from './drain.ts'
import { NoWorkerError, OptionError, WorkerFailure } from './errors.ts'
import { isTimeout, reset } from './forwarders/dial.ts'
import type { Settings } from './pool-options.ts'
import type { Pool } from './pool.ts'
import { TcpClient } from './tcp/client.ts'
import { connect } from './tcp/connect.ts'
import { TcpConnection } from './tcp/connection.ts'
import { ignore } from './tcp/ignore.ts'
import { toTcpOptions, type BalanceTcpOptions } from './tcp/options.ts'
import { tell } from './tell.ts'
import type { Outcome, Worker } from './worker.ts'

/** A listener for the connections of a server of `node:net` or `node:tls`. */
export interface BalanceTcp {
  (socket: Socket): void
  /**
   * Takes no more connections and waits for those there are. Resolves with how many were not over after the timeout,
   * and were cut.
   * @throws OptionError for a timeout that is no duration.
   */
  close(options?: DrainOptions): Promise<{ readonly cut: number }>
}

/**
 * Carries each connection to a worker of `pool`: `net.createServer(balanceTcp(pool))`, by TLS to `tls:` and `https:`
 * workers. A worker that refuses, or does not take the connection in time, costs nothing: another is tried, and no byte
 * of the client's was read.
 *
 * Connections have no cookies and no requests. An update that gives the pool `sticky`, or a hash of requests, later is
 * borne: there are no sessions then, and the hash is of the address.
 * @throws OptionError for a bad option, and for a pool with `sticky` or a strategy that goes by requests.
 */
export function balanceTcp(pool: Pool, options: BalanceTcpOptions = {}): BalanceTcp {
  checkPool(pool.settings)
  const settings = toTcpOptions(options)
  const { metrics } = pool
  const active = new Active<TcpConnection>()

  const isFull = (): boolean => active.isClosing || active.size >= settings.maxConnections

  function balance(socket: Socket): void {
    socket.on('error', ignore)
    socket.allowHalfOpen = true
    if (isFull()) socket.end(() => socket.destroy())
    else void keep(socket.setNoDelay(true))
  }

  async function keep(socket: Socket): Promise<void> {
    const connection = new TcpConnection(socket, settings)
    const entry = active.add(connection)
    try {
      await carry(socket, connection)
    } finally {
      active.delete(entry)
    }
  }

  /** One worker after the other, until one has taken the connection or no other may. */
  async function carry(socket: Socket, connection: TcpConnection): Promise<void> {
    const { failover, timeouts, tls } = pool.settings
    const client = new TcpClient(socket)
    const begun = performance.now()
    const until = begun + failover.deadline
    const address = settings.onClose && socket.remoteAddress // nobody knows it once the socket is closed
    let outcome: Outcome = 'client-gone'
    let last: Worker | undefined
    let tried: Set<Worker> | undefined
    let attempts = 0
    let failure: unknown
    metrics.begin()
    try {
      while (!pool.isReady) await pool.ready
      while (attempts < failover.attempts && !socket.destroyed) {
        const lease = pool.acquire(client, tried, connection)
        if (!lease) break
        const { worker } = lease
        last = worker
        if (attempts++ > 0) {
          metrics.retries++
          tell(() => pool.emit('retry', worker, failure))
        }
        try {
          const left = Math.ceil(until - performance.now())
          const { onread } = connection.inlet
          const timeout = Math.min(timeouts.connect, left)
          const upstream = await connect(worker, socket, { tls, onread, timeout, send: settings.send })
          if (!upstream) return lease.release('client-gone')
          lease.connected()
          outcome = await connection.join(upstream)
          if (outcome === 'failed') {
            metrics.failed++
            failure = new WorkerFailure(worker.id, 'response', upstream.errored ?? 'broke off the connection')
          }
          return lease.release(outcome, 'response')
        } catch (error) {
          lease.release('failed', isTimeout(error) ? 'timeout' : 'connect')
          tried = (tried ?? new Set()).add(worker)
          failure = new WorkerFailure(worker.id, 'connect', error, { timeout: isTimeout(error) })
          if (until - performance.now() < 1) break // timers know whole ms
        }
      }
      if (!socket.destroyed) outcome = giveUp(socket)
      failure ??= new NoWorkerError(pool.retryAfter)
    } catch (error) {
      outcome = giveUp(socket)
      failure = error // a strategy's
    } finally {
      metrics.end(attempts)
      const { onClose } = settings
      if (onClose) {
        const { received, sent } = connection
        const duration = performance.now() - begun
        const error = outcome === 'failed' ? failure : undefined
        tell(() => onClose({ address, worker: last, attempts, outcome, error, received, sent, duration }))
      }
    }
  }

  function giveUp(socket: Socket): Outcome {
    metrics.failed++
    reset(socket)
    return 'failed'
  }

  async function close(drain?: DrainOptions): Promise<{ readonly cut: number }> {
    return active.close(toDrain('', drain).timeout)
  }

  return Object.assign(balance, { close })
}

/** @throws OptionError for what goes by requests, which connections are not. */
function checkPool({ sticky, strategy }: Settings): void {
  if (sticky)
    throw new OptionError(
      'sticky',
      { name: sticky.name },
      'is by a cookie, which TCP has not; use the strategy "ip-hash"',
    )
  if (strategy.needsRequest)
    throw new OptionError('strategy', strategy, 'goes by requests, which TCP has not; use "ip-hash"')
}
