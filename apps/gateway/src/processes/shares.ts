import { showAddress } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import type { ServingProcess } from './serving-process.ts'

/** A process that has used this part of what it may have is to get more, where there is more. */
const SCARCE = 0.75

/**
 * How many connections each process may have, of those that a listener may have: what all of them have not used is dealt
 * out evenly, and again when one runs short. At least one each.
 */
export class Shares {
  /** By listener. */
  #limits: ReadonlyMap<string, number> = new Map()
  #dealt = new Map<ServingProcess, Record<string, number>>()

  /** A config for one process of so many, before anybody has connections. */
  static first(config: Config, processes: number): Config {
    const part = (limit: number): number => Math.max(1, Math.ceil(limit / processes))
    const { limits, tcp } = config
    return {
      ...config,
      limits: { ...limits, connections: part(limits.connections) },
      tcp: tcp.map((one) => ({ ...one, maxConnections: part(one.maxConnections) })),
    }
  }

  /** Goes by the limits of another config. */
  reset({ listen, tcp, limits }: Config): void {
    this.#limits = new Map([
      ...listen.map((address) => [showAddress(address), limits.connections] as const),
      ...tcp.map((address) => [showAddress(address), address.maxConnections] as const),
    ])
    this.#dealt.clear()
  }

  /** Deals out, if one runs short or processes have come or gone; `give` is told of each what it may have now. */
  deal(
    all: Iterable<ServingProcess>,
    give: (one: ServingProcess, share: Record<string, number>) => void,
  ): void {
    const some = Array.from(all).filter(({ state }) => state !== 'starting')
    const serving = some.filter(({ state }) => state === 'serving')
    const isSame = serving.length === this.#dealt.size && serving.every((one) => this.#dealt.has(one))
    if (isSame && !serving.some((one) => this.#isShort(one))) return
    this.#dealt = new Map(serving.map((one) => [one, {}]))
    for (const [listener, limit] of this.#limits) {
      const used = some.reduce((sum, one) => sum + usedBy(one, listener), 0)
      const free = Math.max(0, limit - used)
      for (const [i, one] of serving.entries()) {
        const part = Math.floor((free + i) / serving.length) // of all together, the whole
        const share = this.#dealt.get(one) as Record<string, number>
        share[listener] = Math.max(1, usedBy(one, listener) + part)
      }
    }
    for (const [one, share] of this.#dealt) give(one, share)
  }

  #isShort(one: ServingProcess): boolean {
    const share = this.#dealt.get(one) ?? {}
    return Object.entries(share).some(([listener, limit]) => usedBy(one, listener) > limit * SCARCE)
  }
}

function usedBy({ report }: ServingProcess, listener: string): number {
  return report?.connections[listener] ?? 0
}
