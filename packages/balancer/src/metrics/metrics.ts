import { Recent, type Quantiles } from '../recent.ts'
import type { Worker } from '../worker.ts'
import { metricNames } from './names.ts'
import type { OwnCount } from './own-count.ts'
import { RequestCounts } from './request-counts.ts'
import { CONTENT_TYPE, createSeries, togetherOf, type Series } from './series.ts'

/** What a pool counts of its requests, how long its answers took, and the views of both; workers count attempts. */
export class Metrics extends RequestCounts {
  readonly #durations = new Map<Worker, { histogram: { observe(seconds: number): void }; recent: Recent }>()
  /** Of all workers together. */
  readonly #recent = new Recent()
  readonly #workers: () => readonly Worker[]
  readonly #series: Series

  /** `onRequest` is called whenever a request has begun or ended. */
  constructor(workers: () => readonly Worker[], onRequest?: () => void) {
    super(onRequest)
    this.#workers = workers
    this.#series = createSeries(this, workers)
  }

  /** Content type of `openMetrics()`. */
  get contentType(): string {
    return CONTENT_TYPE
  }

  /** Makes room for what will be observed of a worker that joins the pool. */
  join(worker: Worker): void {
    this.#durations.set(worker, { histogram: this.#series.durations.labels(worker.id), recent: new Recent() })
  }

  /** Drops what was observed of a worker that leaves the pool. */
  leave(worker: Worker): void {
    this.#durations.delete(worker)
    this.#series.durations.remove(worker.id)
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
    return this.#series.registry.metrics()
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
      contentType: CONTENT_TYPE,
      openMetrics: () =>
        togetherOf(new Map(Array.from(pools, ([pool, metrics]) => [pool, metrics.#series])), counts),
      plain: () =>
        plainOf(
          Array.from(pools.values()),
          Array.from(pools, ([pool, metrics]) =>
            metrics.plainWorkers(pools.size === 1 ? '' : `${pool.replaceAll(/[^a-zA-Z0-9_]/g, '_')}_`),
          ).flat(),
        ),
    }
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
