import { originOf, planUpdate, type Pool, type Worker } from '@rondo/balancer'
import { showAddress, type Address } from './config/address.ts'
import type { Config, PoolConfig } from './config/config.ts'
import { isForTcp } from './config/tcp-config.ts'
import { differences, type Change } from './difference.ts'
import { routeChanges, type RouteChange } from './plan-routes.ts'

/** What a reload would change. Listeners are named as a config file names them, `tcp` before those of TCP. */
export interface Plan {
  /** Whether nothing would change. */
  readonly isEmpty: boolean
  /** Exchanges that are under way on workers that would be drained, those of pools that would go included. */
  readonly streams: number
  readonly listeners: {
    readonly opened: readonly PlannedListener[]
    /** Their connections have the time of a shutdown to end; null where their number is not known. */
    readonly closed: readonly (PlannedListener & { readonly connections: number | null })[]
    readonly changed: readonly (PlannedListener & { readonly keys: readonly Change[] })[]
  }
  readonly pools: {
    readonly added: readonly PlannedPool[]
    readonly removed: readonly { readonly pool: string; readonly drained: readonly PlannedDrain[] }[]
    readonly changed: readonly PoolChange[]
  }
  readonly routes: readonly RouteChange[]
  /** Of all other keys, as `limits.header`. */
  readonly others: readonly OtherChange[]
}

/** A change that may take a restart of the gateway to be in force. */
export interface OtherChange extends Change {
  readonly restart?: true
}

/** A listener that would be opened, closed or changed. */
export interface PlannedListener {
  readonly listener: string
  /** What it has beside an address, as `tls` or `pool api`. */
  readonly with: readonly string[]
}

interface PlannedPool {
  readonly pool: string
  readonly forwarder: string
  readonly added: readonly PlannedWorker[]
}

/** A worker that would come. */
export interface PlannedWorker {
  readonly id: string
  readonly url: string
  readonly weight: number
  /** Whether it is still here, on its way out, and would stay. */
  readonly returns: boolean
}

/** A worker that would be drained, and go. */
export interface PlannedDrain {
  readonly id: string
  readonly url: string
  /** What it carries now, and in how many ms the rest of that would be cut. */
  readonly inFlight: number
  readonly timeout: number
}

interface PoolChange extends PlannedPool {
  readonly drained: readonly PlannedDrain[]
  readonly weights: readonly { readonly id: string; readonly from: number; readonly to: number }[]
  /** Its options, and `forwarder`. */
  readonly keys: readonly Change[]
  /** How many workers stay. */
  readonly kept: number
}

/** What there is before a reload. */
export interface Before {
  readonly config: Config
  readonly pools: ReadonlyMap<string, Pool>
  /** Open connections by listener, as `showAddress` names it. */
  readonly connections?: ReadonlyMap<string, number>
  /** Whether the gateway is one process, and stays it. Default whether the config has it so. */
  readonly isOne?: boolean
}

/** How long a drain takes where no option says it, in ms. */
const DRAIN = 30_000

/** What a reload would change that puts `next` in the place of what there is. Changes nothing. */
export function planOf(before: Before, next: Config): Plan {
  const listeners = plannedListeners(before, next)
  const pools = plannedPools(before, next)
  const routes = routeChanges(before.config.routes, next.routes)
  const keys = differences(othersOf(before.config), othersOf(next)).map((change) =>
    withRestart(change, before.isOne ?? before.config.processes === 1),
  )
  const drained = [...pools.removed, ...pools.changed].flatMap((pool) => pool.drained)
  const all = [...Object.values(listeners), ...Object.values(pools), routes, keys]
  return {
    isEmpty: all.every((changes) => changes.length === 0),
    streams: drained.reduce((sum, { inFlight }) => sum + inFlight, 0),
    listeners,
    pools,
    routes,
    others: keys,
  }
}

/** What has a part of the plan of its own, and what says all of it in other words. */
const SEEN = new Set(['listen', 'tcp', 'pools', 'routes', 'written', 'text', 'files', 'admin'])

function othersOf(config: Config): object {
  const rest = Object.fromEntries(Object.entries(config).filter(([key]) => !SEEN.has(key)))
  if (!config.admin) return { ...rest, admin: 'off' }
  const { listen, tokens } = config.admin
  const token = tokens.length > 1 ? tokens : tokens[0]
  return {
    ...rest,
    admin: { ...listen, listen: showAddress(listen), host: undefined, port: undefined, token },
  }
}

/** A gateway of one process does not become one of several while it runs. */
function withRestart(change: Change, isOne: boolean): OtherChange {
  return change.key === 'processes' && isOne ? { ...change, restart: true } : change
}

function plannedListeners({ config, connections }: Before, next: Config): Plan['listeners'] {
  const [former, wanted] = [listenersOf(config), listenersOf(next)]
  const opened = Array.from(wanted).filter(([name]) => !former.has(name))
  const closed = Array.from(former).filter(([name]) => !wanted.has(name))
  return {
    opened: opened.map(([name, listen]) => plannedListener(name, listen)),
    closed: closed.map(([name, listen]) => ({
      ...plannedListener(name, listen),
      connections: connections?.get(showAddress(listen)) ?? null,
    })),
    changed: Array.from(wanted).flatMap(([name, listen]) => {
      const before = former.get(name)
      const keys = before ? differences(before, listen) : []
      return keys.length === 0 ? [] : [{ ...plannedListener(name, listen), keys }]
    }),
  }
}

/** The listeners by name, those for TCP behind the others. */
function listenersOf({ listen, tcp }: Config): Map<string, Address> {
  return new Map([
    ...listen.map((one) => [showAddress(one), one] as const),
    ...tcp.map((one) => [`tcp ${showAddress(one)}`, one] as const),
  ])
}

function plannedListener(listener: string, listen: Address): PlannedListener {
  return { listener, with: besides(listen) }
}

/** What each listener has. */
const ALWAYS = new Set(['host', 'port', 'maxConnections'])

function besides(listen: Address): string[] {
  return Object.entries(listen)
    .filter(([key, value]) => !ALWAYS.has(key) && value !== undefined)
    .map(([key, value]) => (key === 'pool' ? `pool ${value}` : key))
}

function plannedPools(before: Before, next: Config): Plan['pools'] {
  const added: PlannedPool[] = []
  const changed: PoolChange[] = []
  for (const [name, wanted] of next.pools) {
    const [pool, former] = [before.pools.get(name), before.config.pools.get(name)]
    if (pool?.isTcp === isForTcp(wanted) && former) changed.push(poolChange(name, pool, former, wanted))
    else
      added.push({
        pool: name,
        forwarder: wanted.forwarder,
        added: planUpdate([], wanted.workers).added.map((worker) => plannedWorker(worker)),
      })
  }
  const removed = Array.from(before.pools).flatMap(([name, { workers, settings, isTcp }]) => {
    const wanted = next.pools.get(name)
    return wanted && isForTcp(wanted) === isTcp
      ? []
      : [{ pool: name, drained: workers.map((worker) => plannedDrain(worker, settings.drain.timeout)) }]
  })
  const isChange = ({ added, drained, weights, keys }: PoolChange): boolean =>
    [added, drained, weights, keys].some((changes) => changes.length > 0)
  return { added, removed, changed: changed.filter(isChange) }
}

function poolChange(name: string, pool: Pool, former: PoolConfig, wanted: PoolConfig): PoolChange {
  const leaving = new Set(pool.stats().workers.flatMap(({ id, leaving }) => (leaving ? [id] : [])))
  const isLeaving = ({ id }: Worker): boolean => leaving.has(id)
  const { added, removed, kept } = planUpdate(pool.workers, wanted.workers)
  const returning = kept.filter(({ worker }) => isLeaving(worker))
  const staying = kept.filter(({ worker }) => !isLeaving(worker))
  return {
    pool: name,
    forwarder: wanted.forwarder,
    added: [
      ...added.map((worker) => plannedWorker(worker)),
      ...returning.map(({ worker, weight }) => ({ ...plannedWorker(worker), weight, returns: true })),
    ],
    drained: removed
      .filter((worker) => !isLeaving(worker)) // it would go on leaving
      .map((worker) => plannedDrain(worker, wanted.options.drain?.timeout ?? DRAIN)),
    weights: staying.flatMap(({ worker: { id, fullWeight }, weight }) =>
      fullWeight === weight ? [] : [{ id, from: fullWeight, to: weight }],
    ),
    keys: [
      ...differences(former.options, wanted.options),
      ...differences(former.forwarder, wanted.forwarder, ['forwarder']),
    ],
    kept: staying.length,
  }
}

function plannedWorker({ id, url, weight }: Worker): PlannedWorker {
  return { id, url: originOf(url), weight, returns: false }
}

function plannedDrain({ id, url, inFlight }: Worker, timeout: number): PlannedDrain {
  return { id, url: originOf(url), inFlight, timeout }
}
