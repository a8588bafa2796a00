import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { get } from '../processes.ts'
import { folder, startBackend, startSite, until, type Backend, type Site } from '../reloading.ts'
import { patient } from './health.ts'
import { takers, type Link } from './links.ts'
import { Traps } from './traps.ts'

/** What `GET /stats` says, as far as it matters here. */
export interface Stats {
  readonly processes: readonly {
    readonly number: number
    readonly pid: number
    readonly state: 'starting' | 'serving' | 'ending'
    readonly startedAt: string
  }[]
  readonly pools: Readonly<Record<string, PoolStats>>
}

export interface PoolStats {
  readonly eligible: number
  readonly requests: Readonly<Record<'total' | 'failed' | 'active' | 'unattempted' | 'retries', number>>
  readonly workers: readonly {
    readonly id: string
    readonly weight: number
    readonly draining: boolean
    readonly leaving: boolean
    readonly inFlight: number
    readonly attempts: number
    readonly outcomes: Readonly<Record<string, number>>
  }[]
}

/** A gateway in several processes. */
export interface Several extends Site {
  readonly admin: string
  stats(): Promise<Stats>
  /** The ids of the processes that serve. */
  serving(): Promise<number[]>
  /** Waits until so many serve and no others are left. */
  settled(processes: number): Promise<void>
  /** Says which process took a connection. To be asked for anew when there are new ones. */
  takers(): (link: Link) => number | undefined
  /** Has the next process of a place stand still before it serves, as `Traps.set` does. */
  trap(place: number): () => Promise<number>
}

const COMMON = { admin: '127.0.0.1:0', log: 'off' }

/** Starts a gateway whose processes note what they take, and waits until they know that all its workers are alive. */
export async function startSeveral(
  t: TestContext,
  config: { readonly processes: number; readonly [key: string]: unknown },
): Promise<Several> {
  const accepted = join(folder(t), 'accepted')
  mkdirSync(accepted)
  const traps = new Traps(t)
  const hook = new URL('hook.ts', import.meta.url).href
  const full = (fields: object): object => patient({ ...COMMON, ...fields })
  const site = await startSite(t, full(config), {
    ADMIN: undefined,
    ACCEPTED: accepted,
    TRAPS: traps.path,
    NODE_OPTIONS: `--import=${hook}`,
  })
  const { gateway } = site
  const [, admin = ''] = /admin API on (\S+)/.exec(await gateway.line(/admin API on /)) ?? []
  const stats = async (): Promise<Stats> => JSON.parse((await get(`${admin}/stats`)).body) as Stats
  const several: Several = {
    ...site,
    change: (next) => site.change(typeof next === 'string' ? next : full(next)),
    admin,
    stats,
    serving: async () =>
      (await stats()).processes.filter(({ state }) => state === 'serving').map(({ pid }) => pid),
    settled: (processes) =>
      until(`${processes} processes serve`, async () => {
        const { processes: all } = await stats()
        return all.length === processes && all.every(({ state }) => state === 'serving')
      }),
    takers: () => takers(accepted),
    trap: (place) => traps.set(place),
  }
  await several.settled(config.processes)
  await until('all workers are alive', async () =>
    Object.values((await stats()).pools).every(({ eligible, workers }) => eligible === workers.length),
  )
  await stats() // what the leading process knows, it has told the others before it asks them this
  return several
}

/**
 * What is counted once nothing is under way and `isCounted` holds, or at last, for the assertions that say the same: a
 * WebSocket is over a moment after its client knows, and a process that is off the CPU is left out of one answer.
 */
export async function atRest(site: Several, isCounted: (stats: Stats) => boolean): Promise<Stats> {
  const isIdle = ({ requests, workers }: PoolStats): boolean =>
    requests.active === 0 && workers.every(({ inFlight }) => inFlight === 0)
  await until('nothing is under way, and all is counted', async () => {
    const now = await site.stats()
    return Object.values(now.pools).every(isIdle) && isCounted(now)
  }).catch(() => {})
  return site.stats()
}

/**
 * A worker in this process: it gives its name and the id of the request. `/events` is a stream of two seconds, with the
 * same at its end; of a body it gives the length too. WebSockets are echoed.
 */
export function startNamed(t: TestContext, name: string): Promise<Backend> {
  return startBackend(t, name, (req, res) => void answer(name, req, res).catch(() => res.destroy()))
}

async function answer(name: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const text = `${name} ${String(req.headers['x-id'])}`
  if (req.url?.endsWith('/events')) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' })
    for (let i = 0; i < 20 && !res.destroyed; i++) {
      res.write('data: tick\n\n')
      await pause(100)
    }
    return void res.end(text)
  }
  let length = 0
  for await (const part of req) length += (part as Buffer).length
  await pause(Math.random() * 5)
  res.end(length > 0 ? `${text} ${length}` : text)
}

/** Fails unless a pool that carries nothing has an outcome for each attempt, and requests that account for the attempts. */
export function assertAddsUp({ requests, workers }: PoolStats): void {
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
  assert.equal(requests.active, 0)
  for (const { id, inFlight, attempts, outcomes } of workers) {
    assert.equal(inFlight, 0, id)
    assert.equal(sum(Object.values(outcomes)), attempts, id)
  }
  const attempts = sum(workers.map((worker) => worker.attempts))
  assert.equal(attempts, requests.total - requests.unattempted + requests.retries)
}

/** A pool by its name. */
export function poolOf({ pools }: Stats, name: string): PoolStats {
  return pools[name] ?? assert.fail(`there is no pool ${name}`)
}

/** Fails if one of these processes is still there. */
export function assertGone(pids: Iterable<number>): void {
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, `process ${pid}`)
}
