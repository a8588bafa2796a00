import { startCluster } from './dev/cluster.ts'
import { onEnd } from './dev/end.ts'
import { printLine } from './dev/print.ts'
import { findPorts } from './dev/ports.ts'
import { readSettings } from './dev/settings.ts'

/** The local cluster: workers and the gateway in one terminal, until Ctrl-C. PORT and WORKER_PORTS move them. */
async function main(): Promise<void> {
  const { moved, ...ports } = await findPorts(readSettings(process.env))
  if (moved) printLine('dev', moved)
  const cluster = startCluster({ ...ports, env: process.env })
  onEnd(async (why) => {
    printLine('dev', `${why}: everything stops`)
    await cluster.stop()
    process.exit(0)
  })
}

try {
  await main()
} catch (error) {
  process.stderr.write(`dev: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
