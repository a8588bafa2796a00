import { balanceTcp, createPool } from '@rondo/balancer'
import type { OpenedTcp, Place, Subject } from '../subject.ts'

/** Rondo's balancer of connections, with health checks, failover and counters. */
export const rondoTcp: Subject = {
  name: 'rondo-tcp',
  label: 'Rondo, balanceTcp',
  carries: [],
  start: { kind: 'script', file: import.meta.url },
}

export async function open({ backends }: Place): Promise<OpenedTcp> {
  const pool = createPool(backends)
  await pool.ready
  return { connection: balanceTcp(pool) }
}
