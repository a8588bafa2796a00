import type { FailureKind } from '../../src/index.ts'
import type { Fault } from '../faults/faulty-worker.ts'
import { head } from '../support/hostile.ts'
import { upgradeHead } from '../support/web-sockets.ts'

const BODY = 'x'.repeat(50_000)

/** What clients ask for. */
export const ASKS = {
  'a GET': head('GET /x'),
  'a POST': `${head('POST /x', `Content-Length: ${BODY.length}`)}${BODY}`,
  'a WebSocket': upgradeHead(),
} as const

export type Ask = keyof typeof ASKS

export const ALL = Object.keys(ASKS) as Ask[]

/** What a fault comes to where there is nobody else: the client's answer, and how the attempt failed, if it did. */
export interface Sees {
  readonly answer: '502' | '504' | 'cut' | 'well'
  readonly kind?: FailureKind
  /** What goes on to another worker, where there is one. */
  readonly moves: readonly Ask[]
}

const WELL: Sees = { answer: 'well', moves: [] }
export const UNREACHED: Sees = { answer: '502', kind: 'connect', moves: ALL }
const UNREACHED_IN_TIME: Sees = { answer: '504', kind: 'timeout', moves: ALL }
export const UNANSWERED: Sees = { answer: '502', kind: 'request', moves: ['a GET', 'a WebSocket'] }
const BROKEN: Sees = { answer: '502', kind: 'response', moves: [] }
const CUT: Sees = { answer: 'cut', kind: 'response', moves: [] }
const CUT_LATE: Sees = { answer: 'cut', kind: 'timeout', moves: [] }
export const LATE: Sees = { answer: '504', kind: 'timeout', moves: [] }
/** A WebSocket that stood, and then broke. */
const BROKEN_LATER: Sees = { answer: 'well', kind: 'response', moves: [] }

const HEADLESS = '\0\x01\x02 not HTTP\r\n\r\n'
const MISFRAMED = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'

type Row = readonly [who: string, fault: Fault, sees: Sees, except?: Partial<Record<Ask, Sees>>]

/** Every fault, what it comes to, and for which requests it comes to something else. */
export const ROWS: readonly Row[] = [
  ['refuses connections', { does: 'refuse' }, UNREACHED],
  ['takes no connections', { does: 'run out', of: 'backlog' }, UNREACHED_IN_TIME],
  ['has too many connections', { does: 'run out', of: 'connections' }, UNANSWERED],
  ['has too many files open', { does: 'run out', of: 'files' }, UNANSWERED],
  ...breaksOff('resets', 'reset', UNANSWERED, BROKEN, CUT, BROKEN_LATER),
  ...breaksOff('ends its side', 'end', UNANSWERED, BROKEN, CUT, WELL),
  ['ends its side before a request', { does: 'end', after: { request: 0 } }, UNANSWERED],
  ...breaksOff('falls silent', 'fall silent', LATE, LATE, CUT_LATE, WELL),
  ['stops reading', { does: 'stop reading', after: { request: 1 } }, LATE],
  ['answers in small parts', { does: 'dribble', bytes: 16, pause: 3 }, WELL],
  ['takes too long for its head', { does: 'dribble', bytes: 1, pause: 20 }, LATE],
  ['answers what is not HTTP', { does: 'babble', answer: HEADLESS }, BROKEN],
  ['answers what has two lengths', { does: 'babble', answer: MISFRAMED }, BROKEN],
]

/** One fault, at the places where it makes a difference. An answer to an upgrade has a longer head, and no body. */
function breaksOff(
  who: string,
  does: 'reset' | 'end' | 'fall silent',
  before: Sees,
  within: Sees,
  behindHead: Sees,
  behindAll: Sees,
): Row[] {
  return [
    [`${who} at the first byte of a request`, { does, after: { request: 1 } }, before],
    [`${who} within the body of a request`, { does, after: { request: 1000 } }, WELL, { 'a POST': before }],
    [`${who} before an answer`, { does, after: { response: 0 } }, before],
    [`${who} at the first byte of an answer`, { does, after: { response: 1 } }, within],
    [`${who} within the head of an answer`, { does, after: { response: 20 } }, within],
    [
      `${who} within the body of an answer`,
      { does, after: { response: 40 } },
      behindHead,
      { 'a WebSocket': within },
    ],
    [`${who} behind an answer`, { does, after: { response: Infinity } }, WELL, { 'a WebSocket': behindAll }],
  ]
}
