import { OptionError } from '@rondo/balancer'

/** The forwarders by name: `FORWARDER` chooses one. */
export type ForwarderName = 'http-proxy' | 'undici'

export interface Environment {
  readonly port: number
  readonly workers: readonly string[]
  readonly forwarder: ForwarderName
}

const WORKERS = ['http://localhost:3001', 'http://localhost:3002', 'http://localhost:3003']

/**
 * What the environment sets: `PORT` (default 80; 0 is any free one), `WORKERS` (comma-separated URLs, default
 * three on localhost) and `FORWARDER` (default `http-proxy`).
 * @throws OptionError for what is neither.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const { PORT = '80', WORKERS: list, FORWARDER: forwarder = 'http-proxy' } = env
  const port = /^\d{1,5}$/.test(PORT) ? Number(PORT) : NaN
  if (!(port <= 65_535))
    throw new OptionError('PORT', PORT, 'is not a port; give a whole number from 0 to 65535')
  const workers = list === undefined ? WORKERS : list.split(',').map((url) => url.trim())
  if (workers.every((url) => url === ''))
    throw new OptionError('WORKERS', list, `names no worker; give URLs, as "${WORKERS.join(',')}"`)
  if (forwarder !== 'http-proxy' && forwarder !== 'undici')
    throw new OptionError('FORWARDER', forwarder, 'is unknown; use "http-proxy" or "undici"')
  return { port, workers, forwarder }
}
