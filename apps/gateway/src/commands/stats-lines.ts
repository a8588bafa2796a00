import { sentence } from '../printable.ts'
import type { PoolStats, ServingStats, Stats, WorkerStats } from './stats-schema.ts'

/** What the gateway has said, and when that was, in ms by any clock. */
export interface Sample {
  readonly at: number
  /** Where its admin API is. */
  readonly origin: string
  readonly stats: Stats
}

/** How a line looks. */
export type Look = 'plain' | 'bold' | 'dim' | 'good' | 'bad' | 'odd'

export interface StatsLine {
  readonly look: Look
  /** Visible ASCII: each character is one cell of a terminal wide. */
  readonly text: string
}

/** `paused` by the breaker; `unknown` before the first probe has ended; `leaving` is draining, and out of the pool then. */
type State = 'up' | 'down' | 'draining' | 'leaving' | 'paused' | 'unknown'

const LOOKS: Readonly<Record<State, Look>> = {
  up: 'plain',
  down: 'bad',
  draining: 'odd',
  leaving: 'odd',
  paused: 'odd',
  unknown: 'dim',
}
const HEADINGS = ['worker', 'state', 'weight', 'in flight', 'req/s', 'failed', 'p50', 'p90', 'p99'] as const
/** So many columns from the left are texts; numbers stand to the right. */
const TEXTS = 2
/** Of a name that many characters are shown, lest it push out all else. */
const LONGEST = 40

/**
 * A sample as a table, with what came since the one `before` per second: nothing of that where there is none, or the
 * gateway is another since.
 */
export function statsLines({ at, origin, stats }: Sample, before?: Sample): StatsLine[] {
  const { pid, startedAt } = stats.gateway
  const { processes = [] } = stats
  const isSame = before?.stats.gateway.pid === pid && before.stats.gateway.startedAt === startedAt
  const last = isSame ? before : undefined
  const rate = (now: number, then: number | undefined): number | undefined =>
    last && then !== undefined && now >= then ? ((now - then) * 1000) / (at - last.at) : undefined
  const pools = Object.entries(stats.pools).map(([name, pool]) => {
    const former = last?.stats.pools[name]
    const workers = new Map(former?.workers.map(({ id, attempts }) => [id, attempts]))
    return {
      name,
      pool,
      rate: rate(pool.requests.total, former?.requests.total),
      rows: pool.workers.map((worker) => rowOf(worker, rate(worker.attempts, workers.get(worker.id)))),
    }
  })
  const rows = pools.flatMap((pool) => pool.rows)
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...rows.map(({ cells }) => cells[i]?.length ?? 0)),
  )
  return [
    header(origin, stats, sum(pools.map((pool) => pool.rate))),
    ...(processes.length > 1 ? processes.map(processLine) : []),
    ...pools.flatMap(({ name, pool, rate, rows }): StatsLine[] => [
      { look: 'plain', text: '' },
      { look: 'bold', text: poolText(name, pool, rate) },
      { look: 'dim', text: aligned(HEADINGS, widths) },
      ...rows.map(({ cells, look, reason }) => ({
        look,
        text: `${aligned(cells, widths)}  ${reason}`.trimEnd(),
      })),
    ]),
  ]
}

function processLine({ number, pid, state, connections, rss }: ServingStats): StatsLine {
  const megabytes = Math.round(rss / 1e6)
  return {
    look: state === 'serving' ? 'plain' : 'odd',
    text: `process ${number} (pid ${pid}) ${state}, ${connections} connections, ${megabytes} MB`,
  }
}

function header(origin: string, { gateway, pools }: Stats, rate: number | undefined): StatsLine {
  const all = Object.values(pools)
  const total = (count: 'active' | 'failed'): number =>
    all.reduce((before, { requests }) => before + requests[count], 0)
  const state = gateway.isStopping ? 'stopping' : gateway.isReady ? 'ready' : 'not ready'
  return {
    look: gateway.isReady && !gateway.isStopping ? 'good' : 'odd',
    text: [
      sentence(origin),
      `up ${age(gateway.uptime)}`,
      state,
      `${perSecond(rate)} req/s`,
      `${total('active')} active`,
      `${total('failed')} failed`,
      `pid ${gateway.pid}`,
    ].join('  '),
  }
}

function poolText(
  name: string,
  { requests, eligible, workers, quantiles }: PoolStats,
  rate: number | undefined,
): string {
  const times = quantiles
    ? [`p50 ${millis(quantiles.p50)}`, `p90 ${millis(quantiles.p90)}`, `p99 ${millis(quantiles.p99)} ms`]
    : []
  return [
    sentence(name, LONGEST),
    `${eligible} of ${workers.length} eligible`,
    `${perSecond(rate)} req/s`,
    `${requests.active} active`,
    `${requests.failed} failed`,
    ...times,
  ].join('  ')
}

function rowOf(
  worker: WorkerStats,
  rate: number | undefined,
): { readonly cells: readonly string[]; readonly look: Look; readonly reason: string } {
  const { id, weight, weightNow, inFlight, outcomes, quantiles, lastProbe } = worker
  const state = stateOf(worker)
  const isSlow = weightNow < weight
  const times = quantiles ? [quantiles.p50, quantiles.p90, quantiles.p99].map(millis) : ['-', '-', '-']
  return {
    cells: [
      sentence(id, LONGEST),
      state,
      isSlow ? `${short(weightNow)} of ${short(weight)}` : short(weight),
      String(inFlight),
      perSecond(rate),
      String(outcomes.failed),
      ...times,
    ],
    look: LOOKS[state],
    reason:
      lastProbe && !lastProbe.isWell ? `${sentence(lastProbe.reason)} (${lastProbe.streak} in a row)` : '',
  }
}

function stateOf({ alive, draining, leaving, breaker, lastProbe }: WorkerStats): State {
  if (leaving) return 'leaving'
  if (draining) return 'draining'
  if (!lastProbe) return 'unknown'
  if (!alive) return 'down'
  return breaker === 'open' ? 'paused' : 'up'
}

function aligned(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, i) =>
    i < TEXTS ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
  )
  return `  ${padded.join('  ')}`.trimEnd()
}

function sum(rates: readonly (number | undefined)[]): number | undefined {
  const known = rates.filter((rate) => rate !== undefined)
  return known.length === 0 ? undefined : known.reduce((total, rate) => total + rate, 0)
}

function perSecond(rate: number | undefined): string {
  return rate === undefined ? '-' : rate.toFixed(rate > 0 && rate < 100 ? 1 : 0)
}

function millis(ms: number): string {
  return ms.toFixed(ms < 100 ? 1 : 0)
}

function short(weight: number): string {
  return String(Math.round(weight * 100) / 100)
}

/** As `3d 4h`, `2h 5m`, `5m 3s` or `3s`. */
function age(seconds: number): string {
  const whole = Math.floor(seconds)
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0s'
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}
