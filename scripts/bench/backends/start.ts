import { fileURLToPath } from 'node:url'
import { installed } from '../processes/installed.ts'
import { launch, type Launched, script } from '../processes/launch.ts'
import { freePort } from '../processes/ports.ts'
import { temporary } from '../processes/temporary.ts'
import { until } from '../processes/until.ts'
import { writeNginxBackend } from './nginx.ts'

export interface Backends {
  /** `http://address:port`, of bytes `tcp://address:port`; one a backend. */
  readonly origins: readonly string[]
  /** What they run on. */
  readonly kind: 'nginx' | 'Node'
  stop(): Promise<void>
}

export interface BackendsOptions {
  readonly count: number
  /** Whether they only answer GETs of fixed contents, so that nginx may do it. */
  readonly onlyFixed: boolean
  /** Whether they speak the TCP of `bytes.ts`, and no HTTP. */
  readonly bytes?: boolean
}

/** Starts the backends on the load's core: all in one process, each with an address of its own. */
export async function startBackends({ count, onlyFixed, bytes = false }: BackendsOptions): Promise<Backends> {
  const addresses = await freeAddresses(count)
  const nginx = onlyFixed && installed('nginx')
  const started = nginx
    ? launch('backends', 'nginx', await writeNginxBackend(await temporary('backends'), addresses), {
        core: 'load',
      })
    : script('backends', bytes ? SERVE_BYTES : SERVE_ANSWERS, addresses, { core: 'load' })
  if (bytes) await until('backends', 10_000, started, async () => started.output.startsWith('ready'))
  else await untilAnswering(addresses, started)
  return {
    origins: addresses.map((address) => `${bytes ? 'tcp' : 'http'}://${address}`),
    kind: nginx ? 'nginx' : 'Node',
    stop: () => started.stop(),
  }
}

const SERVE_ANSWERS = fileURLToPath(new URL('serve-answers.ts', import.meta.url))
const SERVE_BYTES = fileURLToPath(new URL('serve-bytes.ts', import.meta.url))

/** Three ports of 127.0.0.1; many backends have an address each, for there are not ports enough for all their connections. */
async function freeAddresses(count: number): Promise<string[]> {
  if (count <= 3)
    return Promise.all(Array.from({ length: count }, async () => `127.0.0.1:${await freePort()}`))
  const port = await freePort()
  return Array.from({ length: count }, (_, i) => `127.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}:${port}`)
}

async function untilAnswering(addresses: readonly string[], started: Launched): Promise<void> {
  for (const address of [addresses[0], addresses.at(-1)]) {
    await until(`answer of the backend ${address}`, 10_000, started, async () => {
      const res = await fetch(`http://${address}/health`, { signal: AbortSignal.timeout(1000) })
      await res.arrayBuffer()
      return res.ok
    })
  }
}
