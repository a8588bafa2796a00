import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type OpenMetricsContentType,
} from 'prom-client'
import { Recent, type Quantiles } from '../recent.ts'
import type { StatusClass, Worker } from '../worker.ts'
import { metricNames } from './names.ts'
import type { OwnCount } from './own-count.ts'

/** Upper bounds of the duration histogram's buckets, in seconds: from a cache hit to a slow report. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * What a pool counts of its requests, and of its TCP connections as if each were one; `load-balance.ts` and
 * `balance-tcp.ts` write it, attempts are counted by the workers.
 * Once no request waits, and while no worker was removed: the sum of the workers' `requests` =
 * `total` − `unattempted` + `retries`.
 */
export class Metrics {
  /** Requests, upgrades and TCP connections that were accepted for balancing. */
  total = 0
  /** Those answered 502, 503 or 504 by the balancer itself, or cut by it for a worker's failure; what a drain cuts is not in it. */
  failed = 0
  /** Those not yet over; an upgraded connection is active until it closes. */
  active = 0
  /** Those that were over before any worker was tried. */
  unattempted = 0
  /** Attempts beyond the first of a request. */
  retries = 0
  /** Retries that there could have been, had the budget not been used up. */
  retriesDenied = 0

  readonly #durations = new Map<Worker, { histogram: { observe(seconds: number): void }; recent: Recent }>()
  /** Of all workers together. */
  readonly #recent = new Recent()
  readonly #workers: () => readonly Worker[]
  readonly #registry: Registry<OpenMetricsContentType>
  readonly #duration: Histogram<'worker'>

  constructor(workers: () => readonly Worker[]) {
    this.#workers = workers
    this.#registry = new Registry<OpenMetricsContentType>()
    this.#registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    this.#duration = new Histogram({
      name: 'rondo_worker_request_duration_seconds',
      help: 'Time from pick to the end of the response, of requests a worker answered; upgrades are not in it',
      labelNames: ['worker'],
      buckets: BUCKETS,
      registers: [this.#registry],
    })
    this.#mirrorCounts()
  }

  /** Content type of `openMetrics()`. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** Makes room for what will be observed of a worker that joins the pool. */
  join(worker: Worker): void {
    this.#durations.set(worker, { histogram: this.#duration.labels(worker.id), recent: new Recent() })
  }

  /** Drops what was observed of a worker that leaves the pool. */
  leave(worker: Worker): void {
    this.#durations.delete(worker)
    this.#duration.remove(worker.id)
  }

  /** Records how long a worker took for a request it answered, in seconds. */
  observe(worker: Worker, seconds: number): void {
    const durations = this.#durations.get(worker)
    durations?.histogram.observe(seconds)
    durations?.recent.add(seconds * 1000)
    this.#recent.add(seconds * 1000)
  }

  /** How long the last answers took, of one worker or of all together; undefined before the first. */
  quantiles(worker?: Worker): Quantiles | undefined {
    return (worker ? this.#durations.get(worker)?.recent : this.#recent)?.quantiles()
  }

  /** The labelled view, for a Prometheus server: OpenMetrics 1.0. */
  openMetrics(): Promise<string> {
    return this.#registry.metrics()
  }

  /** The plain view, for `curl`: one sample a line, each valid in the Prometheus text format 0.0.4. */
  plain(): string {
    return plainOf([this], this.plainWorkers(''))
  }

  /** The workers' part of the plain view; `prefix` comes before their names. */
  plainWorkers(prefix: string): string[] {
    const workers = Array.from(metricNames(this.#workers()))
    return [
      ...workers.map(([worker, name]) => `worker_${prefix}${name}_alive ${Number(worker.alive)}`),
      ...workers.map(([worker, name]) => `worker_${prefix}${name}_requests ${worker.requests}`),
    ]
  }

  /** All views of several pools in one, by their names: the label `pool`, and a part of the workers' plain names. */
  static together(
    pools: ReadonlyMap<string, Metrics>,
    counts: readonly OwnCount[] = [],
  ): Pick<Metrics, 'contentType' | 'openMetrics' | 'plain'> {
    return {
      contentType: Registry.OPENMETRICS_CONTENT_TYPE,
      async openMetrics() {
        const all = await Promise.all(
          Array.from(pools, async ([pool, metrics]) =>
            labelled(await metrics.#registry.getMetricsAsJSON(), pool),
          ),
        )
        const registry = AggregatorRegistry.aggregate<OpenMetricsContentType>(all)
        registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
        for (const { name, help, values } of counts) {
          const labelNames = Object.keys(values[0]?.labels ?? {})
          const counter = new Counter({ name, help, labelNames, registers: [registry] })
          for (const { labels, value } of values) counter.inc(labels, value)
        }
        return registry.metrics()
      },
      plain: () =>
        plainOf(
          Array.from(pools.values()),
          Array.from(pools, ([pool, metrics]) =>
            metrics.plainWorkers(pools.size === 1 ? '' : `${pool.replaceAll(/[^a-zA-Z0-9_]/g, '_')}_`),
          ).flat(),
        ),
    }
  }

  /** prom-client's series copy the counts when they are asked for, so both views tell the same. */
  #mirrorCounts(): void {
    const registers = [this.#registry]
    const workers = this.#workers
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

    count('rondo_requests_total', 'Requests and TCP connections accepted for balancing', () => this.total)
    count(
      'rondo_requests_failed_total',
      'Requests answered 502, 503 or 504, and requests and TCP connections cut',
      () => this.failed,
    )
    count(
      'rondo_requests_unattempted_total',
      'Requests over before a worker was tried',
      () => this.unattempted,
    )
    count('rondo_retries_total', 'Attempts beyond the first of a request', () => this.retries)
    count('rondo_retries_denied_total', 'Retries for which the budget was used up', () => this.retriesDenied)
    const active = (): number => this.active
    new Gauge({
      name: 'rondo_requests_active',
      help: 'Requests, upgraded and TCP connections not yet over',
      registers,
      collect() {
        this.set(active())
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
}

function plainOf(
  all: readonly Pick<Metrics, 'total' | 'failed' | 'active'>[],
  workers: readonly string[],
): string {
  const sum = (count: 'total' | 'failed' | 'active'): number =>
    all.reduce((total, one) => total + one[count], 0)
  return [
    `requests_total ${sum('total')}`,
    `requests_failed ${sum('failed')}`,
    `requests_active ${sum('active')}`,
    ...workers,
    '',
  ].join('\n')
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
