import { setTimeout as sleep } from 'node:timers/promises'
import type { Contestant } from '../contestant.ts'
import { get, verify } from '../exchange.ts'
import { loadedBy } from '../load/http-load.ts'
import { family, proportionalMemory, residentMemory } from '../processes/usage.ts'
import type { Row } from '../result.ts'
import type { Figures } from '../sample.ts'
import type { Scenario } from '../scenario.ts'
import { gateway } from '../subjects/gateway.ts'
import { countOf, nameOf } from './processes.ts'

const COUNTS = [1, 2, 4]
const STATES = ['idle', 'after load'] as const
const CONNECTIONS = 64
/** After which memory has settled, in ms. */
const SETTLED = 1000

const exchange = get('/small')
const isShared = proportionalMemory(process.pid) !== undefined

export const memoryOfProcesses: Scenario = {
  name: 'processes-memory',
  title: 'memory of the gateway in 1, 2 and 4 processes, undici forwarder',
  figures: isShared ? ['pss', 'pssLed', 'pssEach', 'rssLed', 'rssEach'] : ['rss', 'rssLed', 'rssEach'],
  better: 'less',
  unit: 'request',
  backends: { count: 3, onlyFixed: true },
  around: 1.5,
  fresh: true, // memory that was used once is not asked for again
  contestants: () => COUNTS.flatMap((count) => STATES.map((state) => inState(count, state))),
  against: [{ heading: 'vs 1 process', of: ({ name }) => name.replace(/.*,/, `${nameOf(1)},`) }],
  notes: [
    'The first column is of all processes together. The one process of 1 serves.',
    `Idle has answered six requests. After load: small GETs on ${CONNECTIONS} connections, and then a second of rest.`,
    ...(isShared
      ? [
          'Pss divides what is shared, such as the code of Node, by all processes that have it, those of the bench too.',
        ]
      : ['This machine has no smaps_rollup: what processes share is counted for each of them.']),
  ],
  verify: (origin) => verify(origin, exchange),
  warmUp: async () => {},
  measure: async ({ origin, pid, contestant }, seconds) => {
    const load = contestant.loaded
      ? await loadedBy({ origin, exchange, connections: CONNECTIONS, seconds })
      : { errors: 0 }
    await sleep(SETTLED)
    const { errors, why } = { why: undefined, ...load }
    return { figures: memory(pid, countOf(contestant)), errors, ...(why !== undefined && { why }) }
  },
  conclude: (rows) => STATES.flatMap((state) => further(rows, state)),
}

function inState(processes: number, state: (typeof STATES)[number]): Contestant {
  const name = `${nameOf(processes)}, ${state}`
  return { name, subject: gateway, settings: { processes }, loaded: state === 'after load' }
}

/** @throws Error where there is no /proc, or there are more or fewer processes. */
function memory(pid: number, count: number): Figures {
  const all = family(pid)
  const expected = count === 1 ? 1 : count + 1
  const rss = all.map(residentMemory)
  if (rss.includes(undefined)) throw new Error('memory is known only where there is /proc')
  if (all.length !== expected) throw new Error(`there are ${all.length} processes instead of ${expected}`)
  const pss = all.map(proportionalMemory)
  return { ...named('rss', rss), ...named('pss', pss) }
}

/** The leading process is the first of several. */
function named(kind: 'rss' | 'pss', sizes: readonly (number | undefined)[]): Figures {
  if (sizes.includes(undefined)) return {}
  const bytes = sizes.map((size = 0) => size)
  const all = sum(bytes)
  const [first = 0, ...others] = bytes
  if (others.length === 0) return { [kind]: all, [`${kind}Each`]: all }
  return { [kind]: all, [`${kind}Led`]: first, [`${kind}Each`]: sum(others) / others.length }
}

/** What each process from the third on costs, in words. */
function further(rows: readonly Row[], state: string): string[] {
  const of = (count: number): number | undefined => {
    const figures = rows.find(({ name }) => name === `${nameOf(count)}, ${state}`)?.figures
    return figures?.pss ?? figures?.rss
  }
  const [two, four] = [of(2), of(4)]
  if (two === undefined || four === undefined) return []
  return [`A further process costs ${((four - two) / 2 / 2 ** 20).toFixed(0)} MB, ${state}.`]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
