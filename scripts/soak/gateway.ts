import type { Server } from 'node:http'
import type { Drained, Pool, Worker } from '@rondo/balancer'
import { parse } from '../../apps/gateway/src/config/load.ts'
import { DEFAULT_POOL } from '../../apps/gateway/src/config/pool-files.ts'
import { Gateway } from '../../apps/gateway/src/gateway.ts'
import { OwnFrontend } from '../../apps/gateway/src/own-frontend.ts'
import type { Spec } from './balancer.ts'

/** Between two reloads that change no worker, in ms. */
const PAUSE = 300

/** A gateway as the soak drives it: its workers change by edits and by reloads. */
export interface SoakedGateway {
  readonly pool: Pool
  readonly server: Server
  readonly port: number
  readonly add: (spec: Spec) => Promise<void>
  readonly remove: (id: string) => Promise<Drained>
  readonly update: (specs: readonly Spec[]) => Promise<readonly Drained[]>
}

/** Opens a gateway, which goes by another config from now on again and again. */
export async function openGateway(forwarder: string, specs: readonly Spec[]): Promise<SoakedGateway> {
  const frontend = new OwnFrontend()
  const gateway = new Gateway({ env: {} }, frontend)
  const env = { FORWARDER: forwarder, ADMIN: 'off' }
  let workers = specs
  let round = 0
  const reload = (): Promise<void> =>
    gateway.apply(async () => parse('', textOf(workers, round++), env).config)
  await reload()
  const pool = gateway.pools.get(DEFAULT_POOL) as Pool
  const [listener] = frontend.listeners
  if (!listener) throw new Error('the gateway does not listen')
  setInterval(() => void reload(), PAUSE).unref()

  /** Edits are made in turn; what comes of them is waited for outside. */
  async function edit(id: string, wanted: Spec | undefined): Promise<Drained | undefined> {
    const [gone] = await gateway.inTurn(() => [gateway.edit({ pool: DEFAULT_POOL, id, wanted })])
    return gone
  }
  return {
    pool,
    server: listener.served.server as Server,
    port: listener.port,
    add: async (spec) => void (await edit(spec.name, spec)),
    remove: async (id) => (await edit(id, undefined)) as Drained,
    async update(wanted) {
      const names = new Set(wanted.map(({ name }) => name))
      const gone = pool.workers.filter(({ id }) => !names.has(id)).map((worker) => removal(pool, worker))
      workers = wanted
      await reload()
      return (await Promise.all(gone)).filter((report) => report !== undefined)
    },
  }
}

/** Resolves when a worker has left its pool, with how its drain went if there was any. */
function removal(pool: Pool, worker: Worker): Promise<Drained | undefined> {
  const { promise, resolve } = Promise.withResolvers<Drained | undefined>()
  let report: Drained | undefined
  const onDrained = (one: Worker, drained: Drained): void => {
    if (one === worker) report = drained
  }
  const onRemoved = (one: Worker): void => {
    if (one !== worker) return
    pool.off('drained', onDrained).off('removed', onRemoved)
    resolve(report)
  }
  pool.on('drained', onDrained).on('removed', onRemoved)
  return promise
}

/** In each round some things are new, none of which may cost a request. */
function textOf(workers: readonly Spec[], round: number): string {
  return JSON.stringify({
    listen: '127.0.0.1:0',
    workers,
    strategy: round % 2 ? 'random-two-choices' : 'least-connections',
    timeouts: { connect: `${3 + (round % 3)}s` },
    limits: { connections: 10_000 + (round % 10) },
    log: 'off',
  })
}
