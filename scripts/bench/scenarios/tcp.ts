import { verifyTcp } from '../backends/bytes.ts'
import { transfers, type TransferLoad } from '../load/transfers.ts'
import { visits } from '../load/visits.ts'
import { mostConnections } from '../processes/open-files.ts'
import { underLoad } from '../processes/under-load.ts'
import { residentMemory } from '../processes/usage.ts'
import { eachOnce, type Reference, type Scenario } from '../scenario.ts'
import { growth } from './memory.ts'

const against: readonly Reference[] = [
  { heading: 'vs pipe', of: () => 'pipe' },
  { heading: 'vs HAProxy', of: () => 'haproxy-tcp' },
  { heading: 'vs nginx', of: () => 'nginx-stream' },
]

const common = {
  tcp: true,
  backends: { count: 3, onlyFixed: false, bytes: true },
  contestants: eachOnce,
  against,
  verify: verifyTcp,
} as const

const STREAMS = 8
const VISITORS = 64

export const tcpDownload = bulk('download')
export const tcpUpload = bulk('upload')

/** Bytes one way, as many as it can carry. */
function bulk(way: TransferLoad['way']): Scenario {
  return {
    ...common,
    name: `tcp-${way}`,
    title: `TCP ${way}, ${STREAMS} connections`,
    figures: ['perSecond', 'cpu', 'share', 'rss'],
    better: 'more',
    unit: 'MB',
    warmUp: async ({ origin }) => void (await transfers({ origin, way, connections: STREAMS, seconds: 1 })),
    measure: ({ origin, pid }, seconds) =>
      underLoad(pid, () => transfers({ origin, way, connections: STREAMS, seconds })),
  }
}

export const tcpConnections: Scenario = {
  ...common,
  name: 'tcp-connections',
  title: `TCP connections of one byte each way, ${VISITORS} at a time`,
  figures: ['perSecond', 'p99', 'cpu', 'share', 'rss'],
  better: 'more',
  unit: 'connection',
  notes: ['The time is from the first packet to the end of both sides.'],
  warmUp: async ({ origin }) => void (await visits({ origin, visitors: VISITORS, seconds: 1 })),
  measure: ({ origin, pid }, seconds) =>
    underLoad(pid, () => visits({ origin, visitors: VISITORS, seconds })),
}

const WANTED = 10_000
/** Connections before the first look, so that what any connection at all needs doesn't count. */
const BEFORE = 500

export const tcpIdle: Scenario = {
  ...common,
  name: 'tcp-idle',
  title: 'resident memory held by each idle TCP connection, with the one to its backend',
  figures: ['held', 'rss'],
  better: 'less',
  unit: 'connection',
  around: 8,
  fresh: true, // memory that was used once is not asked for again
  warmUp: async ({ origin }) => void (await visits({ origin, visitors: VISITORS, seconds: 1 })),
  prepare: async () =>
    `Growth from ${BEFORE} connections to ${count().toLocaleString('en')}${count() < WANTED ? ', all that `ulimit -Hn` allows' : ''}, after garbage collection. Each has carried a byte each way.`,
  measure: async (running) => {
    const held = await growth(running, 'tcp', BEFORE, count())
    const rss = residentMemory(running.pid)
    if (held === undefined || rss === undefined) throw new Error('memory is known only where there is /proc')
    return { figures: { held, rss }, errors: 0 }
  },
}

function count(): number {
  return Math.min(WANTED, mostConnections() - 700) // probes need some too, and those before that are not yet over
}
