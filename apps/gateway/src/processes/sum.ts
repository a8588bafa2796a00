import type { Counts } from '@rondo/balancer'

type WorkerCounts = NonNullable<Counts['workers']>[number]
type Numbers = Record<string, number>

/** What a pool has counted, several times, in one. */
export class Sum {
  #requests: Numbers = {}
  #workers = new Map<string, WorkerCounts>()

  add({ requests = {}, workers = [] }: Counts): void {
    this.#requests = plus(this.#requests, requests)
    for (const counts of workers) {
      const key = `${counts.id} ${counts.url}`
      const before = this.#workers.get(key)
      this.#workers.set(key, before ? both(before, counts) : counts)
    }
  }

  take(): Counts {
    const counts = { requests: this.#requests, workers: Array.from(this.#workers.values()) }
    this.#requests = {}
    this.#workers.clear()
    return counts
  }
}

function both(one: WorkerCounts, other: WorkerCounts): WorkerCounts {
  const { id, url, breaker = one.breaker, durations, connects, outcomes, failures, ...numbers } = other
  const { attempts = 0, retries = 0, received = 0, sent = 0 } = one
  return {
    id,
    url,
    ...plus({ attempts, retries, received, sent }, numbers),
    outcomes: plus(one.outcomes, outcomes),
    failures: plus(one.failures, failures),
    durations: joined(one.durations, durations),
    connects: joined(one.connects, connects),
    ...(breaker && { breaker }),
  }
}

function plus(one: Readonly<Partial<Numbers>> = {}, other: Readonly<Partial<Numbers>> = {}): Numbers {
  const sum = { ...one } as Numbers
  for (const [key, count = 0] of Object.entries(other)) sum[key] = (sum[key] ?? 0) + count
  return sum
}

/** To the end of the first, which is nobody else's. */
function joined(one: readonly number[] = [], other: readonly number[] = []): readonly number[] {
  for (const figure of other) (one as number[]).push(figure)
  return one
}
