import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { launch, type Launched, script } from './processes/launch.ts'
import { freePort } from './processes/ports.ts'
import { temporary } from './processes/temporary.ts'
import { until } from './processes/until.ts'
import type { Place, Settings, Subject } from './subject.ts'

/** A subject as it takes part in a scenario. */
export interface Contestant {
  /** Its row in the tables; the subject's own name where it takes part only once. */
  readonly name: string
  readonly subject: Subject
  readonly settings?: Settings
  /** Over how many of the scenario's backends it balances. Default 3. */
  readonly workers?: number
  /** What a scenario holds open; heads of requests come to no end, TCP is a byte each way. */
  readonly held?: 'connections' | 'websockets' | 'heads' | 'tcp'
  /** Whether its memory is looked at after a load; else when it is idle. */
  readonly loaded?: boolean
}

/** A contestant that listens. */
export interface Running {
  readonly contestant: Contestant
  readonly origin: string
  readonly pid: number
  /** Why it has ended; `undefined` while it runs. */
  readonly over: string | undefined
  stop(): Promise<void>
  /** Starts another process of the same contestant. */
  again(): Promise<Running>
}

const OPEN_SUBJECT = fileURLToPath(new URL('open-subject.ts', import.meta.url))

/** How long a start may take, in ms. */
const BOUND = 20_000

/**
 * Starts a contestant on the subject's core; resolves when `verify` of its origin does.
 * @throws Error that says why it did not start.
 */
export async function startContestant(
  contestant: Contestant,
  around: Pick<Place, 'backends' | 'tls'> & { readonly scheme: 'http' | 'https' | 'tcp' },
  verify: (origin: string, contestant: Contestant) => Promise<void>,
): Promise<Running> {
  const { name, workers = 3, settings = {} } = contestant
  const { scheme, ...given } = around
  const [port, directory] = await Promise.all([freePort(), temporary(name.replaceAll(/[^\w-]/g, '-'))])
  const backends = around.backends.slice(0, workers)
  const started = await run(contestant, { ...given, backends, port, directory, settings })
  const origin = `${scheme}://127.0.0.1:${port}`
  try {
    await until('right answer', BOUND, started, async () => {
      await verify(origin, contestant)
      return true
    })
  } catch (error) {
    await started.stop()
    throw error
  }
  return {
    contestant,
    origin,
    pid: started.pid,
    get over() {
      return started.over
    },
    stop: () => started.stop(),
    again: () => startContestant(contestant, around, verify),
  }
}

async function run({ name, subject: { start }, settings }: Contestant, place: Place): Promise<Launched> {
  if (start.kind === 'script')
    return script(name, OPEN_SUBJECT, [start.file, JSON.stringify(place)], {
      core: 'subject',
      silent: settings?.log === true,
    })
  const { args, env, files } = start.command(place)
  for (const [file, content] of Object.entries(files)) await writeFile(file, content)
  const program = start.kind === 'main' ? [process.execPath, start.file] : [start.program]
  const [command = '', ...first] = program
  return launch(name, command, [...first, ...args], { core: 'subject', ...(env && { env }) })
}
