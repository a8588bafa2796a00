import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import type { TestContext } from 'node:test'
import { lastly } from '../../../packages/balancer/test/support/lastly.ts'
import { call, type Answered } from './admin-site.ts'
import { get } from './processes.ts'
import { startSite, until, type Site } from './reloading.ts'
import { patient } from './several/health.ts'

/** A process that takes traffic, as `/stats` shows it. */
export interface Serving {
  readonly number: number
  readonly pid: number
  readonly state: string
  readonly startedAt: string
  readonly connections: number
  readonly stalls: number
}

/** As much of `/stats` as is looked at here. */
export interface CrewStats {
  readonly processes: readonly Serving[]
  readonly listeners: readonly {
    readonly url: string
    readonly connections: number
    readonly refusals: Readonly<Record<string, number>>
  }[]
  readonly pools: Readonly<Record<string, PoolStats>>
}

export interface PoolStats {
  readonly requests: { readonly total: number; readonly failed: number; readonly active: number }
  readonly quantiles: { readonly p50: number } | null
  readonly workers: readonly WorkerStats[]
}

export interface WorkerStats {
  readonly id: string
  readonly alive: boolean
  readonly draining: boolean
  readonly inFlight: number
  readonly attempts: number
  readonly received: number
  readonly sent: number
  readonly outcomes: Readonly<Record<string, number>>
}

/** A gateway in several processes, with its admin API. */
export interface CrewSite extends Site {
  readonly config: object
  readonly admin: string
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answered>
  readonly stats: () => Promise<CrewStats>
  /** Those that serve, in the order of their numbers. */
  readonly serving: () => Promise<readonly Serving[]>
  /** Resolves when so many serve, and there are no others. */
  readonly settled: (count: number) => Promise<readonly Serving[]>
}

const COMMON = { listen: '127.0.0.1:0', admin: '127.0.0.1:0', log: 'off', shutdown: '5s' }

/**
 * Two processes where the config names no other number, which know that all workers are alive, but for so many that are
 * `sick`. When the test is over, none of them may be left.
 */
export async function startCrew(t: TestContext, fields: object, sick = 0): Promise<CrewSite> {
  const mark = marked(t)
  const config = patient({ processes: 2, ...COMMON, ...fields })
  const site = await startSite(t, config, { ADMIN: '127.0.0.1:0', ...mark.env })
  const [admin = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(await site.gateway.line(/admin API on/)) ?? []
  const stats = async (): Promise<CrewStats> => (await call('GET', `${admin}/stats`)).body as CrewStats
  const serving = async (): Promise<readonly Serving[]> =>
    (await stats()).processes.filter(({ state }) => state === 'serving')
  async function settled(count: number): Promise<readonly Serving[]> {
    let all: readonly Serving[] = []
    await until(`${count} processes serve`, async () => {
      all = (await stats()).processes
      return all.length === count && all.every(({ state }) => state === 'serving')
    })
    return all
  }
  const ask: CrewSite['call'] = (method, path, body) => call(method, admin + path, { body })
  const change: Site['change'] = (next) => site.change(typeof next === 'string' ? next : patient(next))
  await until('all workers are alive', async () => {
    const workers = Object.values((await stats()).pools).flatMap((pool) => pool.workers)
    return workers.filter(({ alive }) => !alive).length === sick
  })
  await stats() // what the leading process knows, it has told the others before it asks them this
  return { ...site, config, change, admin, call: ask, stats, serving, settled }
}

/**
 * Fails unless a count comes to what it should be, and stays there. A process that is off the CPU is left out of one
 * answer, and what it has counted is in a later one.
 */
export async function assertComesTo(
  what: string,
  read: () => Promise<number | undefined>,
  wanted: number,
): Promise<void> {
  let count: number | undefined
  await until(what, async () => {
    count = await read()
    return count !== undefined && count >= wanted
  }).catch(() => {}) // what it is instead is told below
  assert.equal(count, wanted, what)
  assert.equal(await read(), wanted, what)
}

/** What processes of this test have in their environment, and no others; when the test is over, none may be left. */
export function marked(t: TestContext): { readonly env: NodeJS.ProcessEnv; readonly pids: () => number[] } {
  const mark = randomUUID()
  const pids = (): number[] => pidsWith(`RONDO_TEST_MARK=${mark}`)
  lastly(t, () => until('no process is left behind', () => pids().length === 0))
  return { env: { RONDO_TEST_MARK: mark }, pids }
}

function pidsWith(entry: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && environmentOf(pid).includes(entry))
}

/** Empty for one that is over, or another user's. */
function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

/** Whether a process is over; what is left of one that nobody has asked for is no process. */
export function isGone(pid: number): boolean {
  const state = stateOf(pid)
  return state === undefined || state === 'Z' || state === 'X'
}

/** One letter, as `proc(5)` has it; undefined for none. */
export function stateOf(pid: number): string | undefined {
  try {
    return /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

/** Stops a process where it stands; what resumes it is returned. */
export async function halt(t: TestContext, pid: number): Promise<() => void> {
  const resume = (): void => {
    if (!isGone(pid)) process.kill(pid, 'SIGCONT')
  }
  t.after(resume)
  process.kill(pid, 'SIGSTOP')
  await until(`${pid} stands still`, () => stateOf(pid) === 'T')
  return resume
}

/** What `connect` makes, once by each process: all others stand still meanwhile, for less than is called a stall. */
export async function byEach<T>(
  t: TestContext,
  crew: CrewSite,
  connect: (one: Serving) => Promise<T>,
): Promise<T[]> {
  const all = await crew.serving()
  const made: T[] = []
  for (const one of all) {
    const others = all.filter(({ pid }) => pid !== one.pid)
    const resumes = await Promise.all(others.map(({ pid }) => halt(t, pid)))
    try {
      made.push(await connect(one))
    } finally {
      for (const resume of resumes) resume()
    }
  }
  return made
}

/** Who answers at a port, by whichever process: on six new connections to each. */
export async function whoAnswers(
  t: TestContext,
  crew: CrewSite,
  port = crew.gateway.port,
): Promise<Set<string>> {
  const answers = await byEach(t, crew, () =>
    Promise.all(Array.from({ length: 6 }, () => get(`http://127.0.0.1:${port}`))),
  )
  return new Set(answers.flat().map(({ body }) => body))
}

/** A connection to one process, that stays. */
export interface Line {
  readonly number: number
  readonly pid: number
  readonly get: (
    path?: string,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; body: string; type: string }>
}

/** A connection to each process: a request has been made on each. */
export function lines(t: TestContext, crew: CrewSite, port = crew.gateway.port): Promise<Line[]> {
  return byEach(t, crew, async ({ number, pid }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const get: Line['get'] = (path = '/', headers = {}) =>
      new Promise((resolve, reject) => {
        const req = request({ host: '127.0.0.1', port, path, agent, headers }, (res) => {
          let body = ''
          res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
          res.on('error', reject).on('end', () => {
            resolve({ status: res.statusCode ?? 0, body, type: res.headers['content-type'] ?? '' })
          })
        })
        req.on('error', reject).end()
      })
    await get()
    return { number, pid, get }
  })
}

/** What each of them is answered, so often. */
export async function bodies(all: readonly Line[], path = '/', times = 1): Promise<string[]> {
  const answers = all.flatMap((line) =>
    Array.from({ length: times }, async () => (await line.get(path)).body),
  )
  return Promise.all(answers)
}
