import { createHash, randomBytes } from 'node:crypto'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import { exchange, type Abort, type Answer, type Plan } from './http-exchange.ts'
import type { Ending, Exchange, Kind } from './rules.ts'
import { converse } from './websocket-exchange.ts'

/** How many of a hundred exchanges are of which kind. */
const SHARES: Readonly<Record<Kind, number>> = {
  get: 42,
  'slow-get': 10,
  'large-get': 10,
  head: 8,
  events: 5,
  post: 11,
  'post-chunked': 9,
  websocket: 5,
}
const KINDS = (Object.keys(SHARES) as Kind[]).flatMap((kind) => Array<Kind>(SHARES[kind]).fill(kind))

/** How many clients leave before they have their answer, and how many use a connection of its own. */
const ABORTED = 0.12
const FRESH = 0.25
/** How long a client waits at most before it asks again, in ms. */
const THINK = 150

const noise = Buffer.from(randomBytes(200_000).toString('hex'))
/** Sizes of large answers, and what the worker makes of them. */
const LARGE = new Map([1000, 65_536, 300_001, 1_000_000].map((size) => [size, sha(pattern(size))]))

export interface Client {
  readonly chance: Chance
  /** Begins the ids of its requests. */
  readonly name: string
  readonly agent: Agent
}

export function createAgent(): Agent {
  return new Agent({ keepAlive: true })
}

/** One exchange after the other until `signal` says stop; the last one is finished. */
export async function keepAsking(
  origin: string,
  client: Client,
  signal: AbortSignal,
  over: (exchange: Exchange) => void,
): Promise<void> {
  for (let count = 0; !signal.aborted; count++) {
    await sleep(client.chance.between(0, THINK))
    const id = `${client.name}-${count}`
    const kind = client.chance.one(KINDS)
    const began = performance.now()
    const ending = await ask(origin, client, kind, id)
    over({ id, kind, began, ended: performance.now(), ending })
  }
}

function ask(origin: string, client: Client, kind: Kind, id: string): Promise<Ending> {
  const { chance } = client
  const leaves = chance.hits(ABORTED)
  if (kind === 'websocket') {
    const messages = Array.from({ length: chance.between(1, 8) }, () => text(chance))
    const abort = leaves ? chance.between(0, 600) : undefined
    return converse(origin, { id, messages, gap: chance.between(0, 400), abort })
  }
  const fresh = chance.hits(FRESH)
  const abort = leaves ? momentFor(kind, chance) : undefined
  const agent = fresh ? false : client.agent
  const headers = { 'X-Request-Id': id, ...(fresh && { Connection: 'close' }) }
  return exchange(origin, { method: 'GET', agent, abort, ...REQUESTS[kind](chance), headers })
}

/** When a client of this kind leaves that does. */
function momentFor(kind: Kind, chance: Chance): Abort {
  const soon = chance.between(0, kind === 'slow-get' || kind === 'events' ? 800 : 20)
  return chance.one(hasBody(kind) ? [soon, 'response', 'upload'] : [soon, 'response'])
}

type Request = Partial<Plan> & Pick<Plan, 'path' | 'check'>

const REQUESTS: Readonly<Record<Exclude<Kind, 'websocket'>, (chance: Chance) => Request>> = {
  get: (chance) => named(`/hello/${chance.between(1, 9999)}?delay=${chance.between(0, 20)}`),
  'slow-get': (chance) => named(`/slow?delay=${chance.between(200, 1500)}`),
  'large-get': (chance) => large(...chance.one(Array.from(LARGE))),
  head: () => ({
    method: 'HEAD',
    path: '/?bytes=12345',
    check: ({ res, length }) =>
      length === 0 && res.headers['content-length'] === '12345' ? undefined : 'not the head of 12345 bytes',
  }),
  events: (chance) => events(chance.between(1, 6), chance.between(50, 500)),
  post: (chance) => echo(chance, false),
  'post-chunked': (chance) => echo(chance, true),
}

function named(path: string): Request {
  return {
    path,
    check: ({ text: body }) => (body.includes(`"path":"${path}"`) ? undefined : `another answer: ${body}`),
  }
}

function large(size: number, wanted: string): Request {
  return { path: `/?bytes=${size}`, check: (answer) => whole(answer, size, wanted) }
}

function events(count: number, interval: number): Request {
  const wanted = Array.from({ length: count }, (_, i) => `id: ${i + 1}\ndata: ${i + 1} of ${count}\n\n`).join(
    '',
  )
  return {
    path: `/events?count=${count}&interval=${interval}`,
    check: ({ text: body }) => (body === wanted ? undefined : `other events: ${JSON.stringify(body)}`),
  }
}

/** A body that comes back: in one piece with its length, or chunked, in pieces as chance has them. */
function echo(chance: Chance, chunked: boolean): Request {
  const body = text(chance, 300_000)
  const pieces: number[] = []
  for (let left = chunked ? body.length : 0; left > 0; left -= pieces.at(-1) ?? 0)
    pieces.push(Math.min(left, chance.between(1, 60_000)))
  const wanted = sha(body)
  return {
    method: 'POST',
    path: chance.hits(0.3) ? `/echo?delay=${chance.between(100, 800)}` : '/echo',
    body,
    pieces: chunked ? pieces : undefined,
    check: (answer) => whole(answer, body.length, wanted),
  }
}

function whole({ sha: found, length }: Answer, size: number, wanted: string): string | undefined {
  if (length !== size) return `${length} bytes instead of ${size}`
  return found === wanted ? undefined : `other ${size} bytes`
}

/** Some bytes by chance, 1 at least. As text they come back the same: they are ASCII. */
function text(chance: Chance, most = 2000): Buffer {
  const length = chance.between(1, most)
  const from = chance.between(0, noise.length - length)
  return noise.subarray(from, from + length)
}

function hasBody(kind: Kind): boolean {
  return kind === 'post' || kind === 'post-chunked'
}

function pattern(size: number): Buffer {
  return Buffer.alloc(size, '0123456789abcdef')
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
