import { hash, type Client, type Strategy } from '@rondo/balancer'
import { strategies } from '../../../packages/balancer/src/strategies/index.ts'
import { Worker } from '../../../packages/balancer/src/worker.ts'
import { machine } from '../machine.ts'
import type { ScenarioResult } from '../result.ts'
import type { Figures } from '../sample.ts'
import { median, rotated } from '../statistics.ts'

const SIZES = [3, 100, 1000, 10_000] as const
/** How long one measurement lasts, in ms. */
const LENGTH = 20
/** Picks between two looks at the clock. */
const BATCH = 10

/** By their rows in the table. */
const contestants: Readonly<Record<string, () => Strategy>> = {
  ...strategies,
  'hash by path': () => hash({ by: 'path' }),
}

interface Subject {
  readonly name: string
  readonly size: (typeof SIZES)[number]
  readonly pick: Strategy
  readonly samples: number[]
}

/** What a pick costs each strategy among few and many workers: rounds in rotated order, medians. */
export function measurePicks(rounds: number): ScenarioResult {
  const lists = new Map(SIZES.map((size) => [size, crowd(size)]))
  const subjects = Object.entries(contestants).flatMap(([name, create]) =>
    SIZES.map((size): Subject => ({ name, size, pick: create(), samples: [] })),
  )
  for (let round = -1; round < rounds; round++)
    for (const { size, pick, samples } of rotated(subjects, (round + 1) * (SIZES.length + 1))) {
      const time = timeOf(pick, lists.get(size) ?? [])
      if (round >= 0) samples.push(time) // the first is to warm up
    }
  return {
    name: 'strategies',
    title: 'time for a pick, in ns',
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    load: '',
    backends: '',
    rounds,
    seconds: LENGTH / 1000,
    unit: 'pick',
    better: 'less',
    figures: SIZES.map((size) => `among${size}` as const),
    headings: [],
    rows: Object.keys(contestants).map((name) => ({
      name,
      label: name,
      figures: figuresOf(subjects.filter((subject) => subject.name === name)),
      ratios: {},
      errors: 0,
    })),
    notes: [
      'A request costs some 30,000 ns beside the pick. All workers weigh the same and are measured; few requests are in flight.',
    ],
  }
}

function figuresOf(subjects: readonly Subject[]): Figures {
  return Object.fromEntries(subjects.map(({ size, samples }) => [`among${size}`, median(samples)]))
}

function timeOf(pick: Strategy, list: readonly Worker[]): number {
  const begun = performance.now()
  let picks = 0
  let elapsed = 0
  while (elapsed < LENGTH) {
    for (let i = 0; i < BATCH; i++) pick(list, clients[picks++ % clients.length] as Client)
    elapsed = performance.now() - begun
  }
  return (elapsed * 1e6) / picks
}

/** Workers that have answered, and have none to two requests in flight. */
function crowd(size: number): readonly Worker[] {
  return Array.from({ length: size }, (_, seq) => {
    let now = 0
    const worker = new Worker(`http://worker-${seq}.test`, seq, 'worker', () => now || performance.now())
    const lease = worker.lease()
    now = performance.now() + 1 + (seq % 10)
    lease.release(200)
    now = 0
    for (let i = 0; i < seq % 3; i++) worker.lease()
    return worker
  })
}

const clients: readonly Client[] = Array.from({ length: 1024 }, (_, i) => ({
  ip: `192.0.${i >> 8}.${i & 255}`,
  path: `/some/path/${i}`,
  isSecure: false,
  header: () => undefined,
  cookie: () => undefined,
  query: () => undefined,
}))
