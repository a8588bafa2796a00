import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type OpenMetricsContentType,
} from 'prom-client'
import type { StatusClass, Worker } from '../worker.ts'
import type { OwnCount } from './own-count.ts'
import type { RequestCounts } from './request-counts.ts'

type OpenMetrics = Registry<OpenMetricsContentType>

/** Content type of what `textOf` and `togetherOf` give. */
export const CONTENT_TYPE: string = Registry.OPENMETRICS_CONTENT_TYPE

/** Upper bounds of the duration histogram's buckets, in seconds: from a cache hit to a slow report. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** The labelled series of a pool: OpenMetrics 1.0. */
export interface Series {
  readonly registry: OpenMetrics
  /** Told of a worker's answers, in seconds. */
  readonly durations: Histogram<'worker'>
}

/** Series that copy the counts when they are asked for, so all views tell the same; durations they count themselves. */
export function createSeries(requests: RequestCounts, workers: () => readonly Worker[]): Series {
  const registry = newRegistry(new Registry())
  const durations = new Histogram({
    name: 'rondo_worker_request_duration_seconds',
    help: 'Time from pick to the end of the response, of requests a worker answered; upgrades are not in it',
    labelNames: ['worker'],
    buckets: BUCKETS,
    registers: [registry],
  })
  mirrorRequests(registry, requests)
  mirrorWorkers(registry, workers)
  return { registry, durations }
}

/** The series of several pools, by their names in the label `pool`, and counts of the user's own. */
export async function togetherOf(
  pools: ReadonlyMap<string, Series>,
  counts: readonly OwnCount[],
): Promise<string> {
  const all = await Promise.all(
    Array.from(pools, async ([pool, { registry }]) => labelled(await registry.getMetricsAsJSON(), pool)),
  )
  const registry = newRegistry(AggregatorRegistry.aggregate(all))
  for (const count of counts) show(registry, count)
  return registry.metrics()
}

function newRegistry(registry: Registry<never>): OpenMetrics {
  const openMetrics = registry as OpenMetrics
  openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  return openMetrics
}

function mirrorRequests(registry: OpenMetrics, requests: RequestCounts): void {
  const registers = [registry]
  const count = (name: string, help: string, value: () => number): unknown =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(value())
      },
    })
  count('rondo_requests_total', 'Requests and TCP connections accepted for balancing', () => requests.total)
  count(
    'rondo_requests_failed_total',
    'Requests answered 502, 503 or 504, and requests and TCP connections cut',
    () => requests.failed,
  )
  count(
    'rondo_requests_unattempted_total',
    'Requests over before a worker was tried',
    () => requests.unattempted,
  )
  count('rondo_retries_total', 'Attempts beyond the first of a request', () => requests.retries)
  count(
    'rondo_retries_denied_total',
    'Retries for which the budget was used up',
    () => requests.retriesDenied,
  )
  new Gauge({
    name: 'rondo_requests_active',
    help: 'Requests, upgraded and TCP connections not yet over',
    registers,
    collect() {
      this.set(requests.active)
    },
  })
}

function mirrorWorkers(registry: OpenMetrics, workers: () => readonly Worker[]): void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (worker: Worker) => number): unknown =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ['worker'],
      collect() {
        this.reset()
        for (const worker of workers()) this.set({ worker: worker.id }, value(worker))
      },
    })
  gauge('rondo_worker_alive', 'Whether the last polls found the worker well', (worker) =>
    Number(worker.alive),
  )
  gauge('rondo_worker_draining', 'Whether the worker gets no new requests', (worker) =>
    Number(worker.draining),
  )
  gauge('rondo_worker_in_flight', 'Attempts on the worker not yet over', (worker) => worker.inFlight)
  for (const [what, help] of [
    ['received', 'Bytes that TCP connections have brought from the worker'],
    ['sent', 'Bytes that TCP connections have brought to the worker'],
  ] as const)
    new Counter({
      name: `rondo_worker_${what}_bytes_total`,
      help,
      registers,
      labelNames: ['worker'],
      collect() {
        this.reset()
        for (const worker of workers()) this.inc({ worker: worker.id }, worker[what])
      },
    })
  new Counter({
    name: 'rondo_worker_requests_total',
    help: 'Finished attempts on the worker, by status class, or closed or idle for TCP, or failed, or client-gone',
    registers,
    labelNames: ['worker', 'status'],
    collect() {
      this.reset()
      for (const worker of workers())
        for (const status of Object.keys(worker.outcomes) as StatusClass[])
          this.inc({ worker: worker.id, status }, worker.outcomes[status])
    },
  })
}

/** Adds a count of the user's own. */
function show(registry: OpenMetrics, { name, help, values, type = 'counter' }: OwnCount): void {
  const series = { name, help, labelNames: Object.keys(values[0]?.labels ?? {}), registers: [registry] }
  if (type === 'counter') {
    const counter = new Counter(series)
    for (const { labels, value } of values) counter.inc(labels, value)
  } else {
    const gauge = new Gauge(series)
    for (const { labels, value } of values) gauge.set(labels, value)
  }
}

/** prom-client's metrics as JSON, every value with the label `pool`; it will put `_total` behind counters again. */
function labelled<M extends { name: string; values?: readonly object[] }>(
  metrics: readonly M[],
  pool: string,
): M[] {
  return metrics.map((metric) => ({
    ...metric,
    name: metric.name.replace(/_total$/, ''),
    values: metric.values?.map((value) => ({
      ...value,
      labels: { ...(value as { labels?: object }).labels, pool },
    })),
  }))
}
