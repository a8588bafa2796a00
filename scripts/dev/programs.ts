import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Print } from './print.ts'
import { createProgram, type Program } from './program.ts'

/** What a program runs, and the directories whose changes restart it. */
export interface Code {
  readonly file: string
  readonly sources: readonly string[]
}

export interface ProgramsOptions {
  readonly gatewayPort: number
  readonly workerPorts: readonly number[]
  /** The environment the programs inherit; PORT, NAME and WORKERS are each one's own. */
  readonly env: NodeJS.ProcessEnv
  readonly print: Print
  readonly worker?: Code
  readonly gateway?: Code
}

export interface Group {
  readonly programs: readonly Program[]
  readonly sources: readonly string[]
}

const path = (fromRoot: string): string => fileURLToPath(new URL(`../../${fromRoot}`, import.meta.url))

const WORKER: Code = { file: path('apps/worker/src/main.ts'), sources: [path('apps/worker/src')] }
const GATEWAY: Code = {
  file: path('apps/gateway/src/main.ts'),
  sources: [path('apps/gateway/src'), path('packages/balancer/src')],
}

/** The workers and the gateway, not started: a group is what a change of its sources restarts together. */
export function createPrograms(options: ProgramsOptions): {
  readonly workers: Group
  readonly gateway: Group
} {
  const { gatewayPort, workerPorts, env, print, worker = WORKER, gateway = GATEWAY } = options
  const { WORKERS: _gatewaysOwn, WORKER_PORTS: _ours, ...inherited } = env

  const program = (name: string, { file, sources }: Code, own: NodeJS.ProcessEnv): Program => {
    const places = sources.map((dir) => relative(process.cwd(), dir)).join(' or ')
    const onDown = (why: string): void =>
      print('dev', `${name} is down (${why}) until you save a file in ${places}`)
    return createProgram({ name, file, env: { ...inherited, ...own }, print, onDown })
  }

  const urls = workerPorts.map((port) => `http://localhost:${port}`)
  const gatewayEnv = { PORT: String(gatewayPort), WORKERS: urls.join(',') }
  return {
    workers: {
      programs: workerPorts
        .map(String)
        .map((port) => program(`worker ${port}`, worker, { PORT: port, NAME: port })),
      sources: worker.sources,
    },
    gateway: { programs: [program('gateway', gateway, gatewayEnv)], sources: gateway.sources },
  }
}
