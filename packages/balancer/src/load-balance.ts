import type { IncomingMessage } from 'node:http'
import type { Duplex, Writable } from 'node:stream'
import { Active } from './active.ts'
import { answerError, answerUpgradeError } from './answer-error.ts'
import { httpClient, toTrust } from './client.ts'
import { toDrain, type DrainOptions } from './drain.ts'
import { HttpError, NoWorkerError, OptionError, toHttpError, WorkerFailure } from './errors.ts'
import { hasReachedWorker, isRepeatable, isStale, mayFailOver } from './failover.ts'
import type { Carried, Forwarder, Terms } from './forwarders/forwarder.ts'
import { httpProxy } from './forwarders/http-proxy.ts'
import { toHeaderOptions, type HeaderOptions } from './forwarders/request-headers.ts'
import { answerLocally } from './local-answer.ts'
import type { Middleware } from './middleware.ts'
import { endTogether, isOwed, isShut, shut } from './pipeline.ts'
import { originOf } from './origin.ts'
import type { Pool } from './pool.ts'
import { offersUpgrade, refusal, upgradeRefusal } from './refusal.ts'
import { record } from './served.ts'
import type { FailureKind, Outcome, Worker } from './worker.ts'
import { tell } from './tell.ts'

export interface LoadBalanceOptions extends Partial<HeaderOptions> {
  /** What carries requests to workers. Default `httpProxy()`. */
  readonly forwarder?: Forwarder
  /** Whether workers see the path that the middleware is mounted under. Default `strip`: they see Express's `req.url`. */
  readonly mountPath?: 'strip' | 'keep'
  /**
   * Addresses and networks of proxies whose `X-Forwarded-*` are believed, such as `10.0.0.0/8` or `loopback`. Default
   * none. Requests that come through an Express app go by its `trust proxy` instead; upgrades never come through one.
   */
  readonly trustedProxies?: readonly string[]
  /** Whether TRACE goes to workers. Default false: it is a 405, since it may show a client's script what it shall not see. */
  readonly trace?: boolean
}

/** The middleware, with what a server needs beside it. */
export interface LoadBalance extends Middleware {
  /** For WebSockets: `server.on('upgrade', balance.upgrade)`. Resolves when the connection has closed. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
  /**
   * Takes no more requests, waits for those under way and closes the connections to workers. Resolves with how many
   * requests were not over after the timeout, and were cut.
   * @throws OptionError for a timeout that is no duration.
   */
  close(options?: DrainOptions): Promise<{ readonly cut: number }>
}

const NONE: ReadonlySet<number> = new Set()

/** When the idle connections to a worker are closed. */
const FORGOTTEN = ['down', 'draining', 'removed'] as const

/**
 * Express middleware that proxies each request to a worker of `pool`: `app.use(loadBalance(pool))`, before
 * whatever reads bodies. It may be mounted under a path, and works under `http.createServer` too.
 *
 * Errors go to `next(error)` with `error.status` 502, 503 or 504, or are answered in short where there is no
 * `next`. Once a response has begun, a failure cuts the client's connection.
 * @throws OptionError for a bad option, and for a pool of `tcp:` or `tls:` workers.
 */
export function loadBalance(pool: Pool, options: LoadBalanceOptions = {}): LoadBalance {
  if (pool.isTcp)
    throw new OptionError(
      'pool',
      pool.workers.map(({ url }) => originOf(url)),
      'is a pool of workers for TCP; use net.createServer(balanceTcp(pool))',
    )
  const { forwarder = httpProxy(), mountPath = 'strip', trace = false } = options
  if (mountPath !== 'strip' && mountPath !== 'keep')
    throw new OptionError('mountPath', mountPath, 'is neither "strip" nor "keep"')
  if (typeof forwarder?.forward !== 'function')
    throw new OptionError('forwarder', forwarder, 'is no forwarder; give httpProxy(), or one of your own')
  if (typeof trace !== 'boolean') throw new OptionError('trace', trace, 'is neither true nor false')
  const trust = toTrust(options.trustedProxies)
  const headers = toHeaderOptions(options)

  const { metrics } = pool
  /** Responses and sockets of the requests under way here. */
  const active = new Active<Writable>()

  /** The heart: one worker after the other, until one has carried the exchange or no other may. */
  async function carry(
    req: IncomingMessage,
    carrier: Writable,
    forward: (worker: Worker, terms: Terms) => Promise<Carried>,
  ) {
    const { retries } = pool // as they are now: an update changes them for the requests behind it
    const { failover, timeouts, limits, keepAlive, tls, sticky } = pool.settings
    const served = record(req)
    const client = httpClient(req, trust)
    const begun = performance.now()
    const until = begun + failover.deadline
    let tried: Set<Worker> | undefined
    let stale: Worker | undefined
    let failure: unknown
    let latest: unknown
    let hasLeft = false
    const entry = active.add(carrier)
    metrics.begin()
    retries.request(begun)
    try {
      while (!pool.isReady) await pool.ready
      while (served.attempts < failover.attempts) {
        hasLeft = carrier.destroyed || carrier.writableEnded
        if (hasLeft) break
        let fresh = false
        let lease = pool.acquire(client, tried, carrier)
        if (!lease && stale && tried) {
          fresh = tried.delete(stale) // all were tried: who lost a used connection gets a new one
          stale = undefined
          lease = pool.acquire(client, tried, carrier)
        }
        if (!lease) break
        const { worker } = lease
        served.worker = worker
        if (served.attempts++ > 0) {
          metrics.retries++
          tell(() => pool.emit('retry', worker, latest))
        }
        try {
          const picky = failover.retriedStatuses.size > 0
          const unwanted = picky ? unwantedOf(req, served.attempts, new Set(tried).add(worker)) : NONE
          const cookie = sticky?.cookieFor(client, worker)
          const { id } = served
          const terms = { timeouts, limits, keepAlive, tls, headers, until, fresh, unwanted, cookie, id }
          const carried = await forward(worker, terms)
          lease.release(carried)
          served.status = carried
          return
        } catch (error) {
          lease.release(outcomeOf(error), kindOf(error))
          failure ??= error
          latest = error
          tried = (tried ?? new Set()).add(worker)
          if (isStale(error) && !fresh) stale = worker
          const now = performance.now()
          const isAnybodyLeft = served.attempts < failover.attempts && (stale || pool.hasEligible(tried))
          if (!isAnybodyLeft || now >= until || !mayFailOver(error, req, failover)) break
          if (hasReachedWorker(error) && !retries.take(now)) {
            metrics.retriesDenied++
            break
          }
        }
      }
      if (hasLeft) return
      if (failure === undefined || failure instanceof WorkerFailure) metrics.failed++
      throw failure === undefined ? new NoWorkerError(pool.retryAfter) : toHttpError(failure)
    } finally {
      metrics.end(served.attempts)
      active.delete(entry)
    }
  }

  /** The statuses that a worker's answer may not have; to refuse it, there must be who may give a better one. */
  function unwantedOf(
    req: IncomingMessage,
    attempts: number,
    tried: ReadonlySet<Worker>,
  ): ReadonlySet<number> {
    const { failover } = pool.settings
    const mayGoOn =
      attempts < failover.attempts &&
      isRepeatable(req) &&
      pool.hasEligible(tried) &&
      pool.retries.allows(performance.now())
    return mayGoOn ? failover.retriedStatuses : NONE
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
    if (isShut(req.socket)) return
    const refused = active.isClosing ? closed() : refusal(req, { limits: pool.settings.limits, trace })
    const isDeclined = offersUpgrade(req)
    if (isDeclined) res.shouldKeepAlive = false
    if (isDeclined || refused?.headers?.['Connection'] === 'close') shut(req.socket)
    if (refused) return leave(refused)
    if (answerLocally(req, res, trace)) return
    if (!res.socket) endTogether(req.socket, res)
    try {
      await carry(req, res, (worker, terms) => forwarder.forward(req, res, worker, terms))
    } catch (error) {
      if (res.destroyed || res.writableEnded) return
      if (res.headersSent) res.destroy() // cut, never a clean end
      else leave(error)
    }
  }

  async function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (isOwed(socket)) return void socket.destroy() // an answer would come before those, and they into the WebSocket
    socket.on('error', () => {}) // a client that breaks off is no news, and must not be an uncaught error
    try {
      const refused = active.isClosing ? closed() : upgradeRefusal(req)
      if (refused) throw refused
      if (forwarder.accepts?.(req) === false) throw new HttpError(404, 'not found')
      await carry(req, socket, (worker, terms) => forwarder.upgrade(req, socket, head, worker, terms))
    } catch (error) {
      answerUpgradeError(error, socket)
    }
  }

  const forget = (worker: Worker): void => forwarder.forget?.(worker)
  for (const event of FORGOTTEN) pool.on(event, forget)

  async function close(drain?: DrainOptions): Promise<{ cut: number }> {
    const { timeout } = toDrain('', drain)
    const ended = await active.close(timeout) // nothing that is cut goes on to another worker
    for (const event of FORGOTTEN) pool.off(event, forget)
    forwarder.close()
    return ended
  }

  return Object.assign(balance, { upgrade, close })
}

function closed(): HttpError {
  return new HttpError(503, 'the balancer is closing', { headers: { Connection: 'close' } })
}

function kindOf(error: unknown): FailureKind {
  if (!(error instanceof WorkerFailure)) return 'other'
  return error.timeout ? 'timeout' : error.phase
}

/** A client that is to blame is not a worker's failure. */
function outcomeOf(error: unknown): Outcome {
  if (error instanceof HttpError) return 'client-gone'
  return (error instanceof WorkerFailure ? error.status : undefined) ?? 'failed'
}
