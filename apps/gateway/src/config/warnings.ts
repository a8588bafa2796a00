import { isLoopback, readAddress } from './address.ts'
import { adminFileOf, DEFAULT_ADMIN } from './config.ts'
import { listenFilesOf, poolFilesOf, poolPath } from './pool-files.ts'
import { tooManyProcesses } from './processes.ts'
import type { Fault, Path } from './fault.ts'
import type { Files } from './files.ts'
import type { PoolFile } from './pool-schema.ts'
import type { File } from './schema.ts'
import type { Source } from './source.ts'
import { isForTcp, poolsOf } from './tcp-config.ts'
import { listenerTlsWarnings, workerTlsWarnings } from './warnings-tls.ts'

/** Node's servers close idle connections after 5 s. */
const NODE_KEEPS = 5000

/** What is legal in a file, and hurts. */
export function warningsOf(file: File, source: Source, files: Files): Fault[] {
  const pools = Array.from(poolFilesOf(file), ([name, pool]) => {
    const top = poolPath(file, name)
    return [
      ...poolWarnings(pool, top, source),
      ...unserved(name, pool, top, file, source),
      ...workerTlsWarnings(pool, top, source, files),
    ]
  })
  return [
    ...pools.flat(),
    ...listenerTlsWarnings(file, source, files),
    ...publicMetrics(file, source),
    ...publicAdmin(file, source),
    ...tooManyProcesses(file, source),
  ]
}

function poolWarnings(pool: PoolFile, top: Path, source: Source): Fault[] {
  const { idle = 4000 } = pool.keepAlive ?? {}
  const { attempts = 3, deadline = 60_000 } = pool.failover ?? {}
  const { connect = 3000 } = pool.timeouts ?? {}
  const warnings: Fault[] = []
  if (idle >= NODE_KEEPS)
    warnings.push(
      source.fault(
        [...top, 'keepAlive', 'idle'],
        `${idle} ms is not below the ${NODE_KEEPS} ms after which Node's servers close idle connections: requests may cross that; use 4s, or have the workers keep theirs longer`,
      ),
    )
  if (attempts * connect > deadline)
    warnings.push(
      source.fault(
        [...top, 'failover', 'deadline'],
        `${deadline} ms is over before ${attempts} attempts of ${connect} ms to connect; raise it, or lower timeouts.connect`,
      ),
    )
  return warnings
}

/** Workers for TCP that nobody gets to. */
function unserved(name: string, pool: PoolFile, top: Path, { tcp = [] }: File, source: Source): Fault[] {
  if (!isForTcp(pool) || tcp.some((entry) => poolsOf(entry).includes(name))) return []
  const wrong = `are for TCP, and no listener is for them; add tcp: [{listen: 6379, pool: ${name}}]`
  return [source.fault([...top, 'workers'], wrong)]
}

function publicMetrics(file: File, source: Source): Fault[] {
  const { metrics = 'on' } = file
  const isPublic = listenFilesOf(file).some((value) => {
    const isServed = typeof value !== 'object' || value.redirect === undefined
    return isServed && !isLoopback(readAddress(value)?.host)
  })
  if (metrics === 'off' || !isPublic) return []
  return [
    source.fault(
      ['metrics'],
      'GET /metrics answers on an address that others may reach; set metrics: off, or listen on 127.0.0.1',
    ),
  ]
}

function publicAdmin(file: File, source: Source): Fault[] {
  if (file.admin === 'off') return []
  const { listen = DEFAULT_ADMIN } = adminFileOf(file)
  const isSecure = typeof listen === 'object' && listen.tls !== undefined
  if (isSecure || isLoopback(readAddress(listen)?.host)) return []
  return [
    source.fault(
      ['admin', 'listen'],
      'the admin API is served without TLS to others than this machine, who may read its token on the way; listen on 127.0.0.1, or give it tls',
    ),
  ]
}
