import { setTimeout as sleep } from 'node:timers/promises'
import type { Contestant, Running } from '../contestant.ts'
import { get, verify } from '../exchange.ts'
import { hold } from '../load/hold.ts'
import { applyLoad } from '../load/http-load.ts'
import { residentMemory } from '../processes/usage.ts'
import type { Scenario } from '../scenario.ts'
import type { Subject } from '../subject.ts'

/** Connections before the first look, so that what any connection at all needs doesn't count. */
const BEFORE = 500
/** Connections between the two looks. */
const MORE = 2000
/** After which memory has settled, in ms. */
const SETTLED = 400

const exchange = get('/small')

export const memory: Scenario = {
  name: 'memory',
  title: 'resident memory held by each idle keep-alive connection, and by each WebSocket',
  figures: ['held', 'rss'],
  better: 'less',
  unit: 'request',
  backends: { count: 3, onlyFixed: false },
  around: 3,
  fresh: true, // memory that was used once is not asked for again
  contestants: (subjects) => subjects.flatMap(whatItHolds),
  against: [],
  notes: [
    `Growth from ${BEFORE} connections to ${(BEFORE + MORE).toLocaleString('en')}, after garbage collection, in a process that has warmed up.`,
    'Each connection has had one answer. A WebSocket needs two: one from the client, one to a backend.',
    'nginx has reserved its connections at the start; what it holds beyond that counts.',
  ],
  verify: (origin, { subject }) => verify(origin, exchange, subject.answersItself),
  warmUp: async ({ origin }) => void (await applyLoad({ origin, exchange, connections: 64, seconds: 1 })),
  measure: async (running) => {
    const held = await growth(running, running.contestant.held ?? 'connections', BEFORE, BEFORE + MORE)
    const rss = residentMemory(running.pid)
    if (held === undefined || rss === undefined) throw new Error('memory is known only where there is /proc')
    return { figures: { held, rss }, errors: 0 }
  },
}

function whatItHolds(subject: Subject): Contestant[] {
  const plain: Contestant = { name: `${subject.name}, connection`, subject, held: 'connections' }
  if (!subject.carries.includes('websocket')) return [plain]
  return [plain, { name: `${subject.name}, WebSocket`, subject, held: 'websockets' }]
}

/** Bytes of resident memory by which each held connection from the `first`-th to the `last`-th makes the subject grow. */
export async function growth(
  running: Running,
  held: NonNullable<Contestant['held']>,
  first: number,
  last: number,
): Promise<number | undefined> {
  const holding = await hold(running.origin, held)
  try {
    await holding.open(first)
    const before = await settled(running)
    await holding.open(last)
    const after = await settled(running)
    return before === undefined || after === undefined ? undefined : (after - before) / (last - first)
  } finally {
    await holding.close()
  }
}

async function settled({ pid, contestant }: Running): Promise<number | undefined> {
  if (contestant.subject.start.kind === 'script') process.kill(pid, 'SIGUSR2') // collects garbage
  await sleep(SETTLED)
  return residentMemory(pid)
}
