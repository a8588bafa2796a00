import { invitation } from './invitation.ts'
import { printLine } from './print.ts'
import { createPrograms, type Group, type ProgramsOptions } from './programs.ts'
import { untilAnswering, untilReady } from './ready.ts'
import { watchSources } from './watch.ts'

export type ClusterOptions = Omit<ProgramsOptions, 'print'> & Partial<Pick<ProgramsOptions, 'print'>>

export interface Cluster {
  /** Ends every process and every watch; resolves when all are gone. */
  stop(): Promise<void>
}

/** Starts the workers and the gateway, and says when they are ready. What ends by itself stays down until its sources change. */
export function startCluster({ print = printLine, ...options }: ClusterOptions): Cluster {
  const { gatewayPort, workerPorts } = options
  const { workers, gateway } = createPrograms({ ...options, print })
  const programs = [...workers.programs, ...gateway.programs]
  const over = new AbortController()
  const say = (line: string): void => print('dev', line)

  async function startAll(): Promise<void> {
    for (const program of workers.programs) program.start()
    await untilAnswering(workerPorts, over.signal)
    if (over.signal.aborted) return
    for (const program of gateway.programs) program.start()
    await invite()
  }

  let queue = Promise.resolve()
  const restartOnChange = (group: Group): (() => void) =>
    watchSources(group.sources, {
      onChange: (file) => {
        queue = queue.then(() => restart(group, file))
      },
      onError: (error) => say(`changes are not seen any more: ${error.message}`),
    })

  async function restart({ programs: those }: Group, file: string): Promise<void> {
    if (over.signal.aborted) return
    say(`${file} changed: restarting ${those.map(({ name }) => name).join(', ')}`)
    await Promise.all(those.map((program) => program.stop()))
    if (over.signal.aborted) return
    for (const program of those) program.start()
    void invite()
  }

  /** Once, when all is ready; later starts need no invitation. */
  let invited = false
  let waiting = false
  async function invite(): Promise<void> {
    if (invited || waiting) return
    waiting = true
    const lacking = await untilReady(gatewayPort, workerPorts, over.signal)
    waiting = false
    if (over.signal.aborted) return
    invited = lacking.length === 0
    if (invited) for (const line of invitation(gatewayPort, workers.programs)) say(line)
    else say(`not ready after 30 s: ${lacking.join(', ')} not there; the lines above may say why`)
  }

  const killAll = (): void => programs.forEach((program) => program.kill())
  process.once('exit', killAll) // an uncaught error ends this process without `stop`
  const unwatch = [workers, gateway].map(restartOnChange)
  void startAll()

  return {
    async stop() {
      over.abort()
      for (const end of unwatch) end()
      await Promise.all(programs.map((program) => program.stop()))
      process.off('exit', killAll)
    },
  }
}
