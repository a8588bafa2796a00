import type { ServerResponse } from 'node:http'
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
      return answerMetrics(renderMetrics(pools, req.headers.accept, counts()), res)
    if (next) return next()
    return answerError(new HttpError(404, 'not found'), req, res)
  }
}

/**
 * The metrics as `metrics(pools)` answers them to a client with this `Accept` header: for whoever answers by other means,
 * or in another process. `counts` are shown beside them, for OpenMetrics; of several pools alone.
 */
export async function renderMetrics(
  pools: Pools,
  accept: string | undefined,
  counts: readonly OwnCount[] = [],
): Promise<{ contentType: string; body: string }> {
  const views = viewsOf(pools, counts)
  return OPEN_METRICS.test(accept ?? '')
    ? { contentType: views.contentType, body: await views.openMetrics() }
    : { contentType: 'text/plain; version=0.0.4; charset=utf-8', body: views.plain() }
}

function viewsOf(pools: Pools, counts: readonly OwnCount[]): Views {
  if (typeof pools !== 'function') return pools.metrics
  return Metrics.together(new Map(Array.from(pools(), ([name, pool]) => [name, pool.metrics])), counts)
}

function pathOf(url = ''): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

async function answerMetrics(rendered: ReturnType<typeof renderMetrics>, res: ServerResponse): Promise<void> {
  const { contentType, body } = await rendered
  const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }
  res.writeHead(200, { ...headers, 'cache-control': 'no-store' }).end(body)
}
