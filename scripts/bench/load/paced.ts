import { fileURLToPath } from 'node:url'
import type { Exchange } from '../exchange.ts'
import { script } from '../processes/launch.ts'
import type { Loaded } from '../processes/under-load.ts'
import { within } from '../processes/within.ts'

/** Requests that come at their times, whether the earlier ones have been answered or not. */
export interface PacedLoad {
  readonly origin: string
  readonly exchange: Exchange
  /** Requests a second. */
  readonly rate: number
  readonly connections: number
  readonly seconds: number
}

const SCRIPT = fileURLToPath(new URL('pace.ts', import.meta.url))

/**
 * Requests at an even rate. Not autocannon's `overallRate`: that sends all requests of a second in one burst at its
 * beginning, so that what it measures is saturation, too.
 */
export async function paced(load: PacedLoad): Promise<Loaded> {
  const running = script('load', SCRIPT, [JSON.stringify(load)], { core: 'load' })
  return JSON.parse(await within(load.seconds + 15, running)) as Loaded
}
