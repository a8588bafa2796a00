import type { Counts, Trouble } from './balancer.ts'

export type Kind =
  | 'get'
  | 'slow-get'
  | 'large-get'
  | 'head'
  | 'events'
  | 'post'
  | 'post-chunked'
  | 'websocket'

/** How an exchange ended, as its client saw it. */
export type Ending =
  | { readonly how: 'whole' }
  /** The client itself left. */
  | { readonly how: 'aborted' }
  /** The connection was lost; `begun` if the client had seen a response. */
  | { readonly how: 'cut'; readonly begun: boolean; readonly why: string }
  /** Another status than the worker's. */
  | { readonly how: 'refused'; readonly status: number }
  /** It ended as if all were well, and was not what the worker had sent. */
  | { readonly how: 'wrong'; readonly why: string }
  /** It did not end in the time it has. */
  | { readonly how: 'late' }

/** An exchange that is over; times are those of `performance.now()`. */
export interface Exchange {
  readonly id: string
  readonly kind: Kind
  readonly began: number
  readonly ended: number
  readonly ending: Ending
}

/** A worker was killed, by SIGKILL at `at`; its process was gone at `gone`. */
export interface Kill {
  readonly worker: string
  readonly at: number
  gone: number
}

export interface Verdict {
  /** Whether the rules of the README ("Failover") let it be lost. */
  readonly allowed: boolean
  readonly cause: string
}

/** How long the balancer may take to notice that a process has gone, in ms: the machine may be busy. */
const NOTICE = 250

interface Case {
  readonly exchange: Exchange
  readonly ending: Ending
  /** Whether the worker of its last attempt was killed meanwhile. */
  readonly killed: boolean
  /** Whether the connection was lost when a response had begun: of a short one its client may have seen nothing yet. */
  readonly cutLate: boolean
}

/**
 * Everything that may be lost. What is in no line must not fail: a request without a body before its response began,
 * whatever happens to its worker; anything at all for the sake of a worker that is paused, drained, added or removed.
 */
const LOSSES: readonly { readonly cause: string; readonly covers: (of: Case) => boolean }[] = [
  {
    cause: 'a response that had begun was cut when its worker was killed',
    covers: ({ exchange, killed, cutLate }) => killed && cutLate && exchange.kind !== 'websocket',
  },
  {
    cause: 'a body was lost with the worker that was reading it',
    covers: ({ exchange, ending, killed }) =>
      killed && hasBody(exchange.kind) && (ending.how === 'cut' || isStatus(ending, 502)),
  },
  {
    cause: 'a WebSocket was cut when its worker was killed',
    covers: ({ exchange, killed, cutLate }) => killed && cutLate && exchange.kind === 'websocket',
  },
]

/** Whether a failure may have been, by what the balancer says of it and who was killed. */
export function judge(exchange: Exchange, trouble: Trouble | undefined, kills: readonly Kill[]): Verdict {
  const { ending } = exchange
  const killed = kills.some(
    ({ worker, at, gone }) =>
      worker === trouble?.worker && exchange.began <= gone + NOTICE && at <= exchange.ended,
  )
  const cutLate = ending.how === 'cut' && (ending.begun || trouble?.begun === true)
  const loss = LOSSES.find(({ covers }) => covers({ exchange, ending, killed, cutLate }))
  if (loss) return { allowed: true, cause: loss.cause }
  const told = trouble
    ? `; worker ${trouble.worker}${killed ? ' (killed)' : ''}, attempts ${trouble.attempts}, ` +
      `response ${trouble.begun ? 'begun' : 'not begun'}${trouble.error ? `: ${trouble.error}` : ''}`
    : ''
  return { allowed: false, cause: `${exchange.kind} ${tellEnding(ending)}${told}` }
}

function tellEnding(ending: Ending): string {
  if (ending.how === 'refused') return `was answered ${ending.status}`
  if (ending.how === 'wrong' || ending.how === 'cut') return `was ${ending.how} (${ending.why})`
  return `was ${ending.how}`
}

function hasBody(kind: Kind): boolean {
  return kind === 'post' || kind === 'post-chunked'
}

function isStatus(ending: Ending, status: number): boolean {
  return ending.how === 'refused' && ending.status === status
}

/** What must be when nothing is under way, and is not. */
export function brokenInvariants(counts: Counts): readonly string[] {
  const { active, inFlight, attempts, total, unattempted, retries, repeated, dead } = counts
  const wanted = total - unattempted + retries
  return [
    active === 0 ? '' : `requests are still active: ${active}`,
    inFlight === 0 ? '' : `attempts are still in flight: ${inFlight}`,
    attempts === wanted ? '' : `attempts are ${attempts}, not total − unattempted + retries = ${wanted}`,
    repeated === retries ? '' : `the workers know of ${repeated} retries, the balancer of ${retries}`,
    dead.length === 0 ? '' : `workers are down: ${dead.join(', ')}`,
  ].filter(Boolean)
}
