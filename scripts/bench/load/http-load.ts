import type { Exchange } from '../exchange.ts'
import { installed } from '../processes/installed.ts'
import type { Loaded } from '../processes/under-load.ts'
import { cannon } from './cannon.ts'
import { visits } from './visits.ts'
import { wrk } from './wrk.ts'

/** As fast as `connections` can: each sends its next request when the last is answered. */
export interface HttpLoad {
  readonly origin: string
  readonly exchange: Exchange
  readonly connections: number
  /** Whole seconds, for wrk knows no others. */
  readonly seconds: number
  /** Whether each request has a connection of its own, of so many at a time; not with autocannon. */
  readonly anew?: boolean
}

/** What a load program has seen. */
export interface HttpResult {
  readonly answers: number
  readonly seconds: number
  /** Bytes received, heads and bodies. */
  readonly bytes: number
  /** Percentiles in ms. */
  readonly p50: number
  readonly p99: number
  readonly errors: number
  readonly why?: string
}

export type LoadProgram = 'wrk' | 'autocannon'

let chosen: LoadProgram | undefined

/** Uses `program` from now on; `undefined` leaves the choice to `loadProgram`. */
export function useLoadProgram(program: LoadProgram | undefined): void {
  if (loadProgram() === 'wrk' && !installed('wrk'))
    throw new Error('wrk is not installed: apt-get install wrk')
  chosen = program
}

/** wrk where it is installed: it takes the least CPU from the backends beside it. */
export function loadProgram(): LoadProgram {
  return chosen ?? (installed('wrk') ? 'wrk' : 'autocannon')
}

/** Applies the load from its core, and counts answers that cannot have been whole as errors. */
export async function applyLoad(load: HttpLoad): Promise<HttpResult> {
  const result = await (loadProgram() === 'wrk' ? wrk(load) : cannon(load))
  const wrong = wrongSize(result, load)
  return wrong === undefined ? result : { ...result, errors: result.errors + 1, why: result.why ?? wrong }
}

/** The same as a load that a subject was under; of connections that are anew, Node makes it where there is no wrk. */
export async function loadedBy(load: HttpLoad): Promise<Loaded> {
  if (load.anew && loadProgram() === 'autocannon') return visits({ ...load, visitors: load.connections })
  const { answers, seconds, p99, errors, why } = await applyLoad(load)
  const figures = { perSecond: answers / seconds, p99 }
  return { figures, answers, seconds, errors, ...(why !== undefined && { why }) }
}

/** A head is no longer than this. */
const HEAD = 2048

/** Bodies are not looked at one by one under load, but all together they must have the right length. */
function wrongSize({ answers, bytes, errors }: HttpResult, load: HttpLoad): string | undefined {
  if (answers === 0) return 'no answers'
  if (errors > 0) return undefined
  const length = load.exchange.expected.length
  const most = (answers + load.connections) * (length + HEAD)
  if (bytes >= answers * length && bytes <= most) return undefined
  return `answers have ${Math.round(bytes / answers)} bytes on average; their body alone should have ${length}`
}
