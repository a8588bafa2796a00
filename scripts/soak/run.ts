import { setTimeout as sleep } from 'node:timers/promises'
import type { ForwarderName } from './arguments.ts'
import type { Counts, Usage } from './balancer.ts'
import { Chance } from './chance.ts'
import { endAll } from './children.ts'
import { Faults, type Action } from './faults.ts'
import { fewest, handleGrowth, heapGrowth, type Handles, type HeapGrowth } from './growth.ts'
import { progress } from './report.ts'
import { brokenInvariants } from './rules.ts'
import { Subject, type SubjectKind } from './subject.ts'
import { Tally } from './tally.ts'
import { createAgent, keepAsking } from './traffic.ts'

/** How many clients ask at once. */
const CLIENTS = 50
/** How often the balancer's memory is looked at, and how often a line says how it goes, in ms. */
const SAMPLE = 1000
const LINE = 10_000
/** How long it may take after the traffic until everything is closed, in ms; idle connections are kept for 4 s. */
const QUIET = 15_000

/** How it went with one forwarder. */
export interface Soaked {
  readonly forwarder: ForwarderName
  readonly tally: Tally
  readonly done: Partial<Record<Action, number>>
  readonly counts: Counts
  readonly samples: readonly Usage[]
  readonly heap: HeapGrowth | undefined
  readonly handles: { readonly before: Handles; readonly after: Handles }
}

/**
 * Soaks one forwarder: traffic and faults for so many seconds, then rest, in which everything must come back to what it
 * was before. Leaves no process behind. `tell` gets a line now and then.
 * @throws Error when a process does not start, or the balancer ends.
 */
export async function soak(
  forwarder: ForwarderName,
  seconds: number,
  seed: number,
  tell: (line: string) => void,
  kind: SubjectKind = 'app',
): Promise<Soaked> {
  const faults = new Faults(new Chance(seed), (text) => tally.complain(text))
  const tally = new Tally(faults.kills)
  const over = new AbortController()
  try {
    const subject = await Subject.start(kind, forwarder, await faults.begin(), {
      trouble: (trouble) => tally.trouble(trouble),
      down: (worker, reason) => faults.down(worker, reason),
      complaint: (text) => tally.complain(text),
    })
    const before = await quietHandles(subject)
    const began = performance.now()
    setTimeout(() => over.abort(), seconds * 1000).unref()
    const line = (samples: readonly Usage[], latest: Usage): void => {
      if (samples.length % (LINE / SAMPLE) !== 0) return
      tell(progress(performance.now() - began, tally, faults.done, latest))
    }
    const [samples] = await Promise.all([
      sample(subject, over.signal, line),
      load(subject.origin, seed, over.signal, tally),
      faults.go(subject, over.signal),
    ])
    await tally.settled()
    const after = await quietHandles(subject, before)
    const counts = await subject.ask('counts')
    const heap = heapGrowth(samples.map((usage) => usage.heap))
    for (const text of brokenInvariants(counts)) tally.complain(text)
    for (const text of handleGrowth(before, after)) tally.complain(`handles grew: ${text}`)
    if (heap?.grew) tally.complain('the heap grew')
    await subject.stop()
    return { forwarder, tally, done: faults.done, counts, samples, heap, handles: { before, after } }
  } finally {
    over.abort()
    await endAll()
  }
}

/** Clients until `over`; resolves when each has its last answer. */
async function load(origin: string, seed: number, over: AbortSignal, tally: Tally): Promise<void> {
  const agent = createAgent()
  const clients = Array.from({ length: CLIENTS }, (_, i) => {
    const client = { chance: new Chance(seed + 1 + i), name: `client-${i}`, agent }
    return keepAsking(origin, client, over, (exchange) => tally.count(exchange))
  })
  await Promise.all(clients)
  agent.destroy()
}

async function sample(
  subject: Subject,
  over: AbortSignal,
  seen: (samples: readonly Usage[], latest: Usage) => void,
): Promise<readonly Usage[]> {
  const samples: Usage[] = []
  while (!over.aborted) {
    await sleep(SAMPLE, undefined, { signal: over }).catch(() => {})
    const latest = await subject.ask('usage')
    samples.push(latest)
    seen(samples, latest)
  }
  return samples
}

/** What is open when nothing happens; after the traffic, when it has come down to what was open `before`, or never will. */
async function quietHandles(subject: Subject, before?: Handles): Promise<Handles> {
  for (const deadline = performance.now() + QUIET; ;) {
    const samples: Handles[] = []
    for (let i = 0; i < 5; i++) {
      samples.push((await subject.ask('usage')).handles)
      await sleep(100)
    }
    const handles = fewest(samples)
    if (!before || handleGrowth(before, handles).length === 0 || performance.now() > deadline) return handles
  }
}
