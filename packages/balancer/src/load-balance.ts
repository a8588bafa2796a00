import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { answerError, answerUpgradeError } from './answer-error.ts'
import { httpClient } from './client.ts'
import { HttpError, NoWorkerError, OptionError, toHttpError, WorkerFailure } from './errors.ts'
import { hasBody, mayFailOver } from './failover.ts'
import type { Carried, Forwarder } from './forwarders/forwarder.ts'
import { httpProxy } from './forwarders/http-proxy.ts'
import type { Middleware } from './middleware.ts'
import type { Pool } from './pool.ts'
import { refusal } from './refusal.ts'
import { record } from './served.ts'
import type { Worker } from './worker.ts'

export interface LoadBalanceOptions {
  /** What carries requests to workers. Default `httpProxy()`. */
  readonly forwarder?: Forwarder
  /** How many workers a request may be tried on. Default 3. */
  readonly attempts?: number
  /** Whether workers see the path that the middleware is mounted under. Default `strip`: they see Express's `req.url`. */
  readonly mountPath?: 'strip' | 'keep'
}

/** The middleware, with what a server needs beside it. */
export interface LoadBalance extends Middleware {
  /** For WebSockets: `server.on('upgrade', balance.upgrade)`. Resolves when the connection has closed. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
  /** Closes the connections to workers, those in use too. */
  close(): void
}

/**
 * Express middleware that proxies each request to a worker of `pool`: `app.use(loadBalance(pool))`, before
 * whatever reads bodies. It may be mounted under a path, and works under `http.createServer` too.
 *
 * Errors go to `next(error)` with `error.status` 502, 503 or 504, or are answered in short where there is no
 * `next`. Once a response has begun, a failure cuts the client's connection.
 * @throws OptionError for a bad option.
 */
export function loadBalance(pool: Pool, options: LoadBalanceOptions = {}): LoadBalance {
  const { forwarder = httpProxy(), attempts = 3, mountPath = 'strip' } = options
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new OptionError('attempts', attempts, 'is not a count; give a whole number of 1 or more')
  if (mountPath !== 'strip' && mountPath !== 'keep')
    throw new OptionError('mountPath', mountPath, 'is neither "strip" nor "keep"')
  if (typeof forwarder?.forward !== 'function')
    throw new OptionError('forwarder', forwarder, 'is no forwarder; give httpProxy(), or one of your own')

  /** The heart: one worker after the other, until one has carried the exchange or no other may. */
  async function carry(
    req: IncomingMessage,
    isOver: () => boolean,
    forward: (worker: Worker) => Promise<Carried>,
  ) {
    const { metrics } = pool
    const served = record(req)
    const client = httpClient(req)
    let tried: Set<Worker> | undefined
    let failure: unknown
    let left = false
    metrics.total++
    metrics.active++
    try {
      if (!pool.isReady) await pool.ready
      while (served.attempts < attempts) {
        left = isOver()
        if (left) break
        const lease = pool.acquire(client, tried)
        if (!lease) break
        served.worker = lease.worker
        if (served.attempts++ > 0) metrics.retries++
        try {
          const carried = await forward(lease.worker)
          lease.release(carried)
          served.status = carried
          return
        } catch (error) {
          lease.release('failed')
          failure ??= error
          tried = (tried ?? new Set()).add(lease.worker)
          if (!mayFailOver(error, req)) break
        }
      }
      if (left) return
      if (failure === undefined || failure instanceof WorkerFailure) metrics.failed++
      throw failure === undefined ? new NoWorkerError(pool.retryAfter) : toHttpError(failure)
    } finally {
      if (served.attempts === 0) metrics.unattempted++
      metrics.active--
    }
  }

  const balance: Middleware = async function loadBalance(req, res, next) {
    const { url } = req
    const leave = (error?: unknown): void => {
      req.url = url
      if (next) next(error)
      else answerError(error ?? new HttpError(404, 'not found'), req, res)
    }
    if (mountPath === 'keep') req.url = (req as { originalUrl?: string }).originalUrl ?? url
    if (forwarder.accepts?.(req) === false) return leave()
    const refused = refusal(req)
    if (refused) return leave(refused)
    try {
      await carry(
        req,
        () => res.destroyed || res.writableEnded,
        (worker) => forwarder.forward(req, res, worker),
      )
    } catch (error) {
      if (res.destroyed || res.writableEnded) return
      if (res.headersSent) res.destroy() // cut, never a clean end
      else leave(error)
    }
  }

  async function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => {}) // a client that breaks off is no news, and must not be an uncaught error
    try {
      const refused = upgradeRefusal(req, forwarder) ?? refusal(req)
      if (refused) throw refused
      await carry(
        req,
        () => socket.destroyed,
        (worker) => forwarder.upgrade(req, socket, head, worker),
      )
    } catch (error) {
      answerUpgradeError(error, socket)
    }
  }

  const forget = (worker: Worker): void => forwarder.forget?.(worker)
  pool.on('removed', forget)

  function close(): void {
    pool.off('removed', forget)
    forwarder.close()
  }

  return Object.assign(balance, { upgrade, close })
}

function upgradeRefusal(req: IncomingMessage, forwarder: Forwarder): HttpError | undefined {
  if (req.method !== 'GET' || req.headers.upgrade?.toLowerCase() !== 'websocket')
    return new HttpError(501, 'the only upgrade is a GET to websocket')
  if (hasBody(req)) return new HttpError(400, 'an upgrade has no body') // it would reach the worker as WebSocket data
  return forwarder.accepts?.(req) === false ? new HttpError(404, 'not found') : undefined
}
