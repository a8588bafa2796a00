import { verifyTcp } from '../backends/bytes.ts'
import type { BackendsOptions } from '../backends/start.ts'
import type { Contestant } from '../contestant.ts'
import { get, verify } from '../exchange.ts'
import { loadedBy } from '../load/http-load.ts'
import { visits } from '../load/visits.ts'
import { isPinned } from '../processes/pin.ts'
import { quiet } from '../processes/quiet.ts'
import type { Loaded } from '../processes/under-load.ts'
import { underLoadOfAll } from '../processes/under-load-of-all.ts'
import type { Row } from '../result.ts'
import type { Reference, Scenario } from '../scenario.ts'
import type { Settings } from '../subject.ts'
import { gateway } from '../subjects/gateway.ts'

/** Something that the gateway does, in one process and in two. */
interface Traffic {
  readonly name: string
  readonly title: string
  readonly unit: 'request' | 'connection'
  readonly tls?: boolean
  readonly tcp?: boolean
  readonly forwarders: readonly NonNullable<Settings['forwarder']>[]
  readonly load: (origin: string, seconds: number) => Promise<Loaded>
}

/** Seconds of load until a process runs compiled code; each compiles for itself. */
const WARM_UP = 3
/** How long a measurement waits for other work on the machine to pause, in ms. */
const PATIENCE = 5000

const connections = 64
const exchange = get('/small')
const http = { unit: 'request', forwarders: ['undici'] } as const

const TRAFFIC: readonly Traffic[] = [
  {
    ...http,
    name: 'http',
    title: `small GET, ${connections} connections`,
    forwarders: ['undici', 'http-proxy-middleware'],
    load: (origin, seconds) => loadedBy({ origin, exchange, connections, seconds }),
  },
  {
    ...http,
    name: 'new',
    title: `small GET with a connection of its own, ${connections} at a time`,
    load: (origin, seconds) => loadedBy({ origin, exchange, connections, seconds, anew: true }),
  },
  {
    ...http,
    name: 'tls',
    title: `small GET over https, ${connections} connections`,
    tls: true,
    load: (origin, seconds) => loadedBy({ origin, exchange, connections, seconds }),
  },
  {
    name: 'tcp',
    title: `TCP connections of one byte each way, ${connections} at a time`,
    unit: 'connection',
    tcp: true,
    forwarders: ['undici'], // which has no part in it
    load: (origin, seconds) => visits({ origin, visitors: connections, seconds }),
  },
]

const against: readonly Reference[] = [
  { heading: 'vs 1 process', of: inOne },
  { heading: 'on free cores vs 1 process', of: inOne, figure: 'room' },
]

/** The gateway in one process and in two: all that two cores do together, and CPU alone, which says what free ones would do. */
export const processes: readonly Scenario[] = TRAFFIC.flatMap((traffic) => [
  onTwoCores(traffic),
  onOneCore(traffic),
])

/** Answers a second: on two cores of the gateway's own where there are four, else beside load and backends. */
function onTwoCores(traffic: Traffic): Scenario {
  return {
    ...common(traffic),
    name: `processes-${traffic.name}`,
    title: `the gateway in 1 and 2 processes: ${traffic.title}`,
    cores: 2,
    figures: ['perSecond', 'p99', 'cpu', 'room', 'led', 'busiest', 'beside', 'share'],
    better: 'more',
    around: 0.6,
    against,
    notes: notes(traffic.unit),
    conclude: (rows) => [
      isPinned()
        ? 'The gateway has two cores for itself, load and backends have two others: requests/s are what two processes can do.'
        : `Nothing is pinned, for two processes and their load need four cores. What the load and the backends take, the processes lack; processes-${traffic.name}-one-core has the gateway on a core without them.`,
      ...(isPinned() ? [] : rows.flatMap((row) => mostOnTwoCores(row, rows, traffic.unit))),
    ],
  }
}

/** CPU time alone, all processes of the gateway on one core: a figure that needs no free cores. */
function onOneCore(traffic: Traffic): Scenario {
  const { unit } = traffic
  return {
    ...common(traffic),
    name: `processes-${traffic.name}-one-core`,
    title: `CPU time of the gateway in 1 and 2 processes, all on one core: ${traffic.title}`,
    figures: ['cpu', 'room', 'led', 'busiest', 'share', 'perSecond'],
    better: 'less',
    around: 0.6,
    against,
    notes: [
      ...notes(unit),
      'Two processes take turns on a core and its caches here, which each would have for itself: this overstates what they take rather than understating it.',
    ],
  }
}

function notes(unit: Traffic['unit']): readonly string[] {
  return [
    `CPU is of all processes of the gateway, the leading one too. "${unit}s/s on free cores" is reckoned: a second for each process that serves, divided by the CPU time that a ${unit} takes; it holds for cores that nobody else uses and a load that keeps all busy.`,
    '"of it leading" is the share of the process that carries nothing; "the busiest" is the share that one of those that serve had of what all of them did, 50 % when two did the same.',
  ]
}

function common(
  traffic: Traffic,
): Pick<Scenario, 'unit' | 'backends' | 'contestants' | 'warmUp'> &
  Pick<Scenario, 'verify' | 'measure' | 'tcp' | 'tls'> {
  const { unit, tcp = false, tls = false, forwarders, load } = traffic
  const backends: BackendsOptions = { count: 3, onlyFixed: !tcp, bytes: tcp }
  return {
    unit,
    tcp,
    tls,
    backends,
    contestants: () =>
      forwarders.flatMap((forwarder) => [1, 2].map((count) => inProcesses(forwarder, count, tcp))),
    verify: (origin) => (tcp ? verifyTcp(origin) : verify(origin, exchange)),
    warmUp: async ({ origin, contestant }) => void (await load(origin, WARM_UP * countOf(contestant))),
    measure: async ({ origin, pid, contestant }, seconds) => {
      await quiet(PATIENCE)
      return underLoadOfAll(pid, countOf(contestant), () => load(origin, seconds))
    },
  }
}

function inProcesses(
  forwarder: NonNullable<Settings['forwarder']>,
  processes: number,
  tcp: boolean,
): Contestant {
  const name = nameOf(processes)
  return { name: tcp ? name : `${forwarder}, ${name}`, subject: gateway, settings: { processes, forwarder } }
}

/** So many processes, in a row's name. */
export function nameOf(count: number): string {
  return count === 1 ? '1 process' : `${count} processes`
}

/** How many processes of a contestant serve. */
export function countOf({ settings }: Contestant): number {
  return settings?.processes ?? 1
}

/** The row of the same in one process. */
function inOne({ name }: Contestant): string {
  return name.replace(/\d+ process(es)?/, nameOf(1))
}

/** What two cores can do at most when load and backends take their part of them. */
function mostOnTwoCores({ name, figures }: Row, rows: readonly Row[], unit: Traffic['unit']): string[] {
  const one = rows.find((row) => row.name === name.replace(nameOf(2), nameOf(1)) && row.name !== name)
  const { cpu, beside } = figures
  const alone = one?.figures.perSecond
  if (cpu === undefined || beside === undefined || alone === undefined) return []
  const most = 2e6 / (cpu + beside)
  return [
    `${name}: a ${unit} takes ${cpu.toFixed(1)} µs of theirs and ${beside.toFixed(1)} µs of load and backends: two cores can do ${Math.round(most).toLocaleString('en')} a second at most, ${(most / alone).toFixed(2)} times what one process did beside them.`,
  ]
}
