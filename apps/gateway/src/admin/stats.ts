import type { Pool, WorkerStats } from '@rondo/balancer'
import type { TcpListen } from '../config/tcp-config.ts'
import { urlOf, type Listening } from '../listeners.ts'
import type { Reloaded } from '../reload.ts'
import { ok, type Handler } from './answer.ts'
import { poolOf, workerOf } from './find.ts'
import { reasons } from './health.ts'

/** `GET /stats`: all that the gateway knows of itself. */
export const stats: Handler = async (gateway) => {
  const { startedAt, origin, isStopping } = gateway
  return ok({
    gateway: {
      pid: process.pid,
      node: process.version,
      startedAt: new Date(startedAt).toISOString(),
      uptime: Math.round((Date.now() - startedAt) / 1000),
      isReady: reasons(gateway).length === 0,
      isStopping,
      file: origin.file ?? null,
    },
    listeners: await Promise.all([...gateway.listeners, ...gateway.tcp].map(listenerStats)),
    processes: gateway.frontend.processes.map(({ startedAt, ...one }) => ({
      ...one,
      startedAt: new Date(startedAt).toISOString(),
    })),
    pools: Object.fromEntries(Array.from(gateway.pools, ([name, pool]) => [name, poolStats(pool)])),
    reloads: gateway.reloads.map(reloadStats),
  })
}

/** `GET /workers`: those of all pools. */
export const workers: Handler = ({ pools }) =>
  ok(Array.from(pools, ([name, pool]) => pool.stats().workers.map((worker) => shown(name, worker))).flat())

/** `GET /workers/:pool`. */
export const workersOfPool: Handler = (gateway, req) => {
  const { name, pool } = poolOf(gateway, req)
  return ok(pool.stats().workers.map((worker) => shown(name, worker)))
}

/** `GET /workers/:pool/:id`. */
export const worker: Handler = (gateway, req) => {
  const { name, pool } = poolOf(gateway, req)
  return ok(shown(name, workerOf(pool, req)))
}

/** A worker as it is shown: with its pool, and with the time of its last probe in words. */
export function shown(pool: string, worker: WorkerStats): object {
  return { pool, ...inWords(worker) }
}

function poolStats(pool: Pool): object {
  const { workers, ...stats } = pool.stats()
  return { ...stats, nextProbe: pool.retryAfter, workers: workers.map(inWords) }
}

function inWords({ lastProbe, ...worker }: WorkerStats): object {
  const at = lastProbe && { ...lastProbe, at: new Date(lastProbe.at).toISOString() }
  return { ...worker, lastProbe: at ?? null }
}

function reloadStats({ at, by, error }: Reloaded): object {
  return { at: new Date(at).toISOString(), by, error: error ?? null }
}

async function listenerStats(listener: Listening | Listening<TcpListen>): Promise<object> {
  const { address, port, served } = listener
  const certificates = address.tls?.certificates ?? []
  return {
    url: urlOf(listener),
    port,
    connections: await served.connections(),
    refusals: Object.fromEntries(served.refusals),
    certificates: certificates.map(({ names, notAfter, issuer }) => ({ names, notAfter, issuer })),
  }
}
