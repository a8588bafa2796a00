import type { Client } from '../client.ts'
import { along } from './along.ts'
import type { Strategy } from './strategy.ts'

/**
 * The same worker for the same key, wherever and whenever it is asked: rendezvous hashing, where every worker draws a
 * number from the key and its id, and the best wins. When a worker leaves, its own keys move and no others (Thaler and
 * Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM ToN 6(1), 1998).
 *
 * Weights are kept exactly, and a change of one moves no more keys than it must: the greatest −weight / ln(h) wins,
 * with h from 0 to 1 (Resch, "New Hashing Algorithms for Data Storage", SNIA 2015). Here that is the least −ln(h) / weight.
 * Without a key, h is drawn by chance.
 */
export function rendezvous(
  keyOf: (client: Client) => string | undefined,
  random: () => number,
): (...args: Parameters<Strategy>) => ReturnType<Strategy> {
  const seedsOf = along(({ id }) => hash32(id))

  return (eligible, client) => {
    const seeds = seedsOf(eligible)
    const key = keyOf(client)
    const hash = key === undefined ? Math.floor(random() * 2 ** 32) : hash32(key)
    let least = Infinity
    let best = eligible[0]
    for (let i = 0; i < eligible.length; i++) {
      const worker = eligible[i] as NonNullable<typeof best>
      const h = (mix(hash ^ (seeds[i] as number)) + 0.5) / 2 ** 32
      if ((1 - h) / worker.weight >= least) continue // −ln(h) is no less than 1 − h: spares nearly all logarithms
      const score = -Math.log(h) / worker.weight
      if (score >= least) continue
      least = score
      best = worker
    }
    return best
  }
}

/** FNV-1a over the UTF-16 units, mixed. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

/** MurmurHash3's finaliser: every bit of the input counts for every bit of the result. */
function mix(hash: number): number {
  let x = hash
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
