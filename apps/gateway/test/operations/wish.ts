import { isDeepStrictEqual } from 'node:util'
import type { Chance } from '../../../../scripts/soak/chance.ts'
import { idOf, type Model, type Pools, type Spec } from './model.ts'

/** The files and workers that configs are made of. */
export interface Place {
  /** Of `a.test`, then of `b.test`. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[]
  /** Who signs the certificates of workers. */
  readonly ca: string
  /** Of the pools that have traffic; each has a first one that is never taken away, and nobody of `strangers` is ever well. */
  readonly urls: { readonly plain: readonly string[]; readonly secure: readonly string[] }
  readonly forwarder: string
}

/** What a config says; the rest of it is always the same. */
export interface Wish {
  /** Tells it from all others. */
  readonly round: number
  readonly pools: Pools
  /** In s. */
  readonly connect: number
  readonly attempts: number
  readonly strategy: string
  readonly slowStart: boolean
  /** Whether the pools without and with TLS go by the other forwarder, all but `plain`. */
  readonly isOther: boolean
  readonly schedule: string
  readonly hasBreaker: boolean
  readonly trusts: boolean
  readonly servername: string
  readonly minVersion: string
  readonly connections: number
  readonly token: string
  readonly isExtra: boolean
}

const STRATEGIES = ['round-robin', 'weighted-round-robin', 'least-connections', 'random-two-choices']

const SCHEDULES = ['* * * * * *', '*/2 * * * * *']

/** The names of the pool that has no traffic, and may be taken away. */
const SPARES = ['n1', 'n2', 'n3']

export const EXTRA = '127.0.0.3:0'

export function firstWish({ urls }: Place): Wish {
  const two = ([one = '', other = '']: readonly string[]): Spec[] =>
    [one, other].map((url) => ({ url, weight: 1 }))
  const spare = [{ name: 'n1', url: urls.plain[0] as string, weight: 1 }]
  return {
    round: 0,
    pools: { plain: two(urls.plain), secure: two(urls.secure), spare },
    connect: 3,
    attempts: 3,
    strategy: 'round-robin',
    slowStart: false,
    isOther: false,
    schedule: SCHEDULES[0] as string,
    hasBreaker: false,
    trusts: false,
    servername: 'worker.test',
    minVersion: '1.2',
    connections: 1000,
    token: 'the-first-token-of-all',
    isExtra: false,
  }
}

export function configOf({ certificates, ca, forwarder }: Place, wish: Wish): object {
  const common = {
    forwarder: wish.isOther ? other(forwarder) : forwarder,
    timeouts: { connect: `${wish.connect}s` },
    failover: { attempts: wish.attempts },
    keepAlive: { idle: '400ms' },
    health: { schedule: wish.schedule, timeout: '900ms', rise: 1, fall: 20 },
    drain: { timeout: '30s' },
  }
  const slow = wish.slowStart ? { slowStart: '1s' } : {}
  const breaker = wish.hasBreaker ? { breaker: { failures: 50 } } : {}
  const { plain, secure, spare } = wish.pools
  return {
    listen: [
      '127.0.0.2:0',
      { host: '127.0.0.1', port: 0, tls: { certificates, minVersion: wish.minVersion } },
      ...(wish.isExtra ? [EXTRA] : []),
    ],
    admin: { listen: '127.0.0.1:0', token: wish.token },
    pools: {
      plain: { workers: plain, ...common, forwarder, strategy: wish.strategy, ...slow },
      secure: { workers: secure, ...common, ...breaker, tls: { ca, servername: wish.servername } },
      ...(spare && { spare: { workers: spare, ...common } }),
    },
    routes: [
      { path: '/plain', pool: 'plain' },
      { path: '/secure', pool: 'secure' },
      ...(spare ? [{ path: '/spare', pool: 'spare' }] : []),
      { path: '/round', answer: { status: 200, body: String(wish.round) } },
    ],
    limits: { connections: wish.connections },
    log: 'off',
    ...(wish.trusts && { trustedProxies: ['10.0.0.0/8'] }),
    shutdown: '20s',
  }
}

function other(forwarder: string): string {
  return forwarder === 'undici' ? 'http-proxy-middleware' : 'undici'
}

/** Another wish, in which some things are new. */
export function mutated(chance: Chance, wish: Wish, place: Place): Wish {
  let next: Wish = { ...wish, round: wish.round + 1 }
  const { pools } = next
  const changes: readonly (() => Partial<Wish>)[] = [
    () => ({ pools: { ...next.pools, plain: otherWorkers(chance, place.urls.plain) } }),
    () => ({ pools: { ...next.pools, secure: otherWorkers(chance, place.urls.secure) } }),
    () => ({ pools: { ...next.pools, spare: spares(chance, place) } }),
    () => ({ pools: pools['spare'] ? without(next.pools) : { ...next.pools, spare: spares(chance, place) } }),
    ...unrelated(chance),
  ]
  for (let left = chance.between(1, 3); left > 0; left--) next = { ...next, ...chance.one(changes)() }
  return next
}

/** Changes that are none of the workers'. */
export function unrelated(chance: Chance): readonly (() => Partial<Wish>)[] {
  return [
    () => ({ connect: chance.between(2, 6) }),
    () => ({ attempts: chance.between(2, 4) }),
    () => ({ strategy: chance.one(STRATEGIES) }),
    () => ({ slowStart: chance.hits(0.5) }),
    () => ({ isOther: chance.hits(0.5) }),
    () => ({ schedule: chance.one(SCHEDULES) }),
    () => ({ hasBreaker: chance.hits(0.5) }),
    () => ({ trusts: chance.hits(0.5) }),
    () => ({ servername: chance.one(['worker.test', 'other.test']) }),
    () => ({ minVersion: chance.one(['1.2', '1.3']) }),
    () => ({ connections: chance.between(1000, 2000) }),
    () => ({ token: `a-token-of-the-draw-${chance.between(1000, 9999)}` }),
    () => ({ isExtra: chance.hits(0.5) }),
  ]
}

function without({ spare: _spare, ...pools }: Pools): Pools {
  return pools
}

function otherWorkers(chance: Chance, urls: readonly string[]): Spec[] {
  const chosen = urls.filter((_, i) => i === 0 || chance.hits(0.5))
  return chosen.map((url) => ({ url, weight: chance.between(1, 4) }))
}

function spares(chance: Chance, { urls }: Place): Spec[] {
  const named = SPARES.filter((_, i) => i === 0 || chance.hits(0.5))
  return named.map((name) => ({
    name,
    url: chance.one(urls.plain.slice(0, 2)),
    weight: chance.between(1, 4),
  }))
}

/** A worker that a pool does not have, if there is one. */
export function newcomer(chance: Chance, pool: string, model: Model, { urls }: Place): Spec | undefined {
  const weight = chance.between(1, 4)
  const all: Spec[] =
    pool === 'spare'
      ? SPARES.map((name) => ({ name, url: chance.one(urls.plain.slice(0, 2)), weight }))
      : urls[pool as 'plain' | 'secure'].map((url) => ({ url, weight }))
  const free = all.filter((spec) => !model.workers(pool).has(idOf(spec)))
  return free.length === 0 ? undefined : chance.one(free)
}

/** Those of a plan's parts that do not depend on the moment. */
export interface Digest {
  readonly opened: readonly string[]
  readonly closed: readonly string[]
  /** Keys of listeners, routes and all others. */
  readonly keys: readonly string[]
  /** `+ pool id url weight`, `- pool id`, `~ pool id weight`, and whole pools as `+ pool`, `- pool`. */
  readonly workers: readonly string[]
}

/** What a plan must say that leads from one wish to another. */
export function digestOf(from: Wish, to: Wish, before: Model, after: Model): Digest {
  const keys: string[] = []
  const differs = (key: keyof Wish, name: string): void => {
    if (!isDeepStrictEqual(from[key], to[key])) keys.push(name)
  }
  differs('connections', 'limits.connections')
  differs('token', 'admin.token')
  differs('minVersion', '127.0.0.1:0 tls.minVersion')
  differs('strategy', 'plain strategy')
  differs('slowStart', 'plain slowStart')
  differs('hasBreaker', 'secure breaker')
  differs('trusts', 'trustedProxies')
  differs('servername', 'secure tls.servername')
  for (const pool of before.pools.filter((name) => after.pools.includes(name))) {
    differs('connect', `${pool} timeouts.connect`)
    differs('attempts', `${pool} failover.attempts`)
    differs('schedule', `${pool} health.schedule`)
    if (pool !== 'plain') differs('isOther', `${pool} forwarder`)
  }
  return {
    opened: to.isExtra && !from.isExtra ? [EXTRA] : [],
    closed: from.isExtra && !to.isExtra ? [EXTRA] : [],
    keys: keys.toSorted(),
    workers: workerChanges(before, after),
  }
}

function workerChanges(before: Model, after: Model): string[] {
  const all = new Set([...before.pools, ...after.pools])
  return Array.from(all)
    .flatMap((pool) => {
      const [old, next] = [before.workers(pool), after.workers(pool)]
      const [was, is] = [before.pools.includes(pool), after.pools.includes(pool)]
      const pools = was === is ? [] : [`${is ? '+' : '-'} ${pool}`]
      for (const [id, { url }] of old) if (next.get(id)?.url !== url) pools.push(`- ${pool} ${id} ${url}`)
      for (const [id, { url, weight }] of next) {
        const known = old.get(id)
        if (known?.url !== url) pools.push(`+ ${pool} ${id} ${url} ${weight}`)
        else if (known.weight !== weight) pools.push(`~ ${pool} ${id} ${weight}`)
      }
      return pools
    })
    .toSorted()
}
