import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerError } from '../answer-error.ts'
import { HttpError } from '../errors.ts'
import type { Middleware } from '../middleware.ts'
import type { Pool } from '../pool.ts'
import { Metrics } from './metrics.ts'
import type { OwnCount } from './own-count.ts'

/** A pool, or what tells the pools that there are at the moment by their names. */
export type Pools = Pool | (() => ReadonlyMap<string, Pool>)

/** Where they are, and what is shown beside them. */
export interface MetricsOptions {
  /** Below the mount point. Default `/metrics`. */
  readonly path?: string
  /** Counts of your own, for OpenMetrics; of several pools alone. */
  readonly counts?: () => readonly OwnCount[]
}

type Views = Pick<Metrics, 'contentType' | 'openMetrics' | 'plain'>

/** Whoever names this type can read it: its parameters differ from version to version of those who ask. */
const OPEN_METRICS = /\bapplication\/openmetrics-text\b/i

/**
 * The metrics of a pool, or of several: `app.use(metrics(pool))`. It takes exactly `GET path` (default `/metrics`, below the
 * mount point) and leaves every other path, case and method to who comes next.
 *
 * `curl` and browsers get plain samples; a client that asks for OpenMetrics, as a Prometheus server does, gets
 * labelled series. Both come from the same counts.
 */
export function metrics(
  pools: Pools,
  { path = '/metrics', counts = () => [] }: MetricsOptions = {},
): Middleware {
  return function metrics(req, res, next) {
    if (req.method === 'GET' && pathOf(req.url) === path)
      return answerMetrics(viewsOf(pools, counts()), req, res)
    if (next) return next()
    return answerError(new HttpError(404, 'not found'), req, res)
  }
}

function viewsOf(pools: Pools, counts: readonly OwnCount[]): Views {
  if (typeof pools !== 'function') return pools.metrics
  return Metrics.together(new Map(Array.from(pools(), ([name, pool]) => [name, pool.metrics])), counts)
}

function pathOf(url = ''): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

async function answerMetrics(metrics: Views, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (OPEN_METRICS.test(req.headers.accept ?? ''))
    answer(res, metrics.contentType, await metrics.openMetrics())
  else answer(res, 'text/plain; version=0.0.4; charset=utf-8', metrics.plain())
}

function answer(res: ServerResponse, contentType: string, body: string): void {
  const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }
  res.writeHead(200, { ...headers, 'cache-control': 'no-store' }).end(body)
}
