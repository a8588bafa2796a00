import { OptionError } from '@rondo/balancer'
import { readAddress } from './address.ts'
import { DEFAULT_POOL } from './pool-files.ts'
import { NO_PROCESSES, readProcesses } from './processes.ts'
import type { File } from './schema.ts'

/** What `FORWARDER` may say; the short name is that of the library's function. */
const FORWARDERS = {
  'http-proxy': 'http-proxy-middleware',
  'http-proxy-middleware': 'http-proxy-middleware',
  undici: 'undici',
} as const

/** The part of a file that the environment has a say in. */
type Settable = Pick<File, 'admin' | 'forwarder' | 'listen' | 'processes' | 'workers'> & {
  readonly pools?: object | undefined
}

/**
 * What the environment sets over a file: `PORT` (0 is any free one), `WORKERS` (comma-separated URLs) and `FORWARDER`,
 * for the pool named `default`, `ADMIN`, the address of the admin API, or `off`, and `PROCESSES`, how many serve, or
 * `auto`.
 * @throws OptionError for what is none of these.
 */
export function applyEnvironment<T extends Settable>(
  file: T,
  { PORT, WORKERS, FORWARDER, ADMIN, PROCESSES }: NodeJS.ProcessEnv,
): T {
  const own = {
    ...(WORKERS !== undefined && { workers: toList(WORKERS) }),
    ...(FORWARDER !== undefined && { forwarder: toForwarder(FORWARDER) }),
  }
  const pools = file.pools as Readonly<Record<string, object>> | undefined
  const pool = pools?.[DEFAULT_POOL]
  return {
    ...file,
    ...(PORT !== undefined && { listen: toPort(PORT) }),
    ...(ADMIN !== undefined && { admin: toAdmin(ADMIN, file.admin) }),
    ...(PROCESSES !== undefined && { processes: toProcesses(PROCESSES) }),
    ...(pool ? { pools: { ...pools, [DEFAULT_POOL]: { ...pool, ...own } } } : own),
  }
}

function toPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port <= 65_535))
    throw new OptionError('PORT', text, 'is not a port; give a whole number from 0 to 65535')
  return port
}

/** A token that the file gives holds on. */
function toAdmin(text: string, admin: File['admin']): File['admin'] {
  if (text === 'off') return text
  if (!readAddress(text))
    throw new OptionError('ADMIN', text, 'is no address; give "off", or one such as "127.0.0.1:8081"')
  return typeof admin === 'object' ? { ...admin, listen: text } : text
}

function toProcesses(text: string): File['processes'] {
  const processes = readProcesses(text)
  if (processes === undefined) throw new OptionError('PROCESSES', text, NO_PROCESSES)
  return processes
}

function toList(text: string): string[] {
  const workers = text.split(',').map((url) => url.trim())
  if (workers.every((url) => url === ''))
    throw new OptionError(
      'WORKERS',
      text,
      'names no worker; give URLs, as "http://localhost:3001,http://localhost:3002"',
    )
  return workers
}

function toForwarder(text: string): (typeof FORWARDERS)[keyof typeof FORWARDERS] {
  if (!Object.hasOwn(FORWARDERS, text))
    throw new OptionError('FORWARDER', text, 'is unknown; use "http-proxy" or "undici"')
  return FORWARDERS[text as keyof typeof FORWARDERS]
}
