import { fileURLToPath } from 'node:url'
import type { Exchange } from '../exchange.ts'
import { script } from '../processes/launch.ts'
import type { Loaded } from '../processes/under-load.ts'
import { within } from '../processes/within.ts'

/** As many connections, one after the other, as so many visitors can have. */
export interface VisitLoad {
  readonly origin: string
  readonly visitors: number
  readonly seconds: number
  /** A GET over HTTP instead of a byte each way. */
  readonly exchange?: Exchange
}

const SCRIPT = fileURLToPath(new URL('visit.ts', import.meta.url))

/** An answer is a connection that has carried a byte each way, or a GET and its answer, and has ended on both sides. */
export async function visits(load: VisitLoad): Promise<Loaded> {
  const running = script('load', SCRIPT, [JSON.stringify(load)], { core: 'load' })
  return JSON.parse(await within(load.seconds + 15, running)) as Loaded
}
