import type { Gateway } from '../gateway.ts'
import { ok, type Handler } from './answer.ts'

/** `GET /healthz`: the process answers. */
export const healthz: Handler = () => ok({ isWell: true })

/** `GET /readyz`: whether the gateway is to get requests. */
export const readyz: Handler = (gateway) => {
  const why = reasons(gateway)
  return { status: why.length === 0 ? 200 : 503, body: { isReady: why.length === 0, reasons: why } }
}

/** Why a gateway is not to get requests; empty for one that is. */
export function reasons({ isStopping, config, pools, frontend }: Gateway): string[] {
  const unready = Array.from(pools).filter(([, pool]) => !pool.isReady)
  return [
    ...(isStopping ? ['the gateway is shutting down'] : []),
    ...(config ? [] : ['no config is in force yet']),
    ...(frontend.processes.some(({ state }) => state === 'serving') ? [] : ['no process serves']),
    ...unready.map(([name]) => `the workers of pool ${name} have no verdict yet`),
  ]
}
