import { median } from '../bench/statistics.ts'

/** Both must be exceeded: what the heap may grow by between the first and the last quarter. */
const HEAP_SHARE = 0.1
const HEAP_BYTES = 3_000_000
/** The share of the samples at the beginning that are no part of any quarter: code is compiled, caches fill. */
const WARM_UP = 0.2
/** With fewer samples, growth is not told from chance. */
const LEAST_SAMPLES = 20

export interface HeapGrowth {
  readonly first: number
  readonly last: number
  readonly grew: boolean
}

/**
 * The heap after forced collections, medians of the first and of the last quarter after the warm-up; `undefined` if the
 * samples are too few to say. It grew if it is more than 10 % and 3 MB larger.
 */
export function heapGrowth(samples: readonly number[]): HeapGrowth | undefined {
  if (samples.length < LEAST_SAMPLES) return undefined
  const warm = samples.slice(Math.floor(samples.length * WARM_UP))
  const quarter = Math.floor(warm.length / 4)
  const first = median(warm.slice(0, quarter)) ?? 0
  const last = median(warm.slice(-quarter)) ?? 0
  const grown = last - first
  return { first, last, grew: grown > HEAP_BYTES && grown > first * HEAP_SHARE }
}

export type Handles = Readonly<Record<string, number>>

/** The fewest of each kind in any of the samples: what a probe of the poller has open for a moment is no growth. */
export function fewest(samples: readonly Handles[]): Handles {
  const kinds = new Set(samples.flatMap((handles) => Object.keys(handles)))
  return Object.fromEntries(
    Array.from(kinds, (kind) => [kind, Math.min(...samples.map((handles) => handles[kind] ?? 0))]),
  )
}

/** The kinds of which there are more than before, each told in words. */
export function handleGrowth(before: Handles, after: Handles): readonly string[] {
  return Object.entries(after)
    .filter(([kind, count]) => count > (before[kind] ?? 0))
    .map(([kind, count]) => `${kind} ${before[kind] ?? 0} → ${count}`)
}
