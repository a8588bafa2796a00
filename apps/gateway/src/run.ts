import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
import { OptionError } from '@rondo/balancer'
import { say } from './access-log.ts'
import { load, parse, type Loaded } from './config/load.ts'
import { lineOf } from './config/fault.ts'
import { watchFile, watchFiles } from './config/watch.ts'
import { exit } from './exit.ts'
import { Gateway } from './gateway.ts'
import { urlOf } from './listeners.ts'
import { OwnFrontend } from './own-frontend.ts'
import { line, sentence } from './printable.ts'
import { Processes } from './processes/processes.ts'
import { reload, reloadCertificates, summary, type Reloaded } from './reload.ts'

/** The config file where none is named, if it is there. */
const USUAL = './rondo.yaml'

/**
 * Runs the gateway until a signal ends it: by `file`, by `./rondo.yaml` where there is one, or by the environment alone.
 * The file is watched, and read again on SIGHUP; the certificates that it names are watched too.
 * @throws ConfigError, OptionError or, of several processes, RefusalError for what it cannot start with.
 */
export async function run(named: string | undefined, env: NodeJS.ProcessEnv): Promise<void> {
  const file = named ?? (existsSync(USUAL) ? USUAL : undefined)
  const { text, config, warnings }: Loaded = file === undefined ? parse('', '', env) : await load(file, env)
  let followed: ReturnType<typeof follow> | undefined
  const isOne = config.processes === 1
  if (!isOne && !cluster.isPrimary)
    throw new OptionError(
      'processes',
      config.processes,
      'cannot be had by a process of a cluster, as NODE_UNIQUE_ID says that this is, such as of pm2; ' +
        'start the gateway by itself, or set processes to 1',
    )
  const processes = isOne ? undefined : new Processes((error) => end(error.message, 1))
  const gateway = new Gateway({ file, env }, processes ?? new OwnFrontend())
  await gateway.apply(config)
  if (file !== undefined) followed = follow(gateway, file, text, env)
  process.on('SIGHUP', () => followed?.again('signal'))
  process.on('SIGUSR2', replacing(gateway, processes))

  function end(why: string, exitCode = 0): void {
    followed?.end()
    void stop(gateway, why, exitCode)
  }
  function onSignal(signal: NodeJS.Signals): void {
    if (gateway.isStopping) process.exit(1)
    end(`${signal}: finishing what is in flight`)
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)

  // Whoever waits for these lines may send a signal at once.
  for (const warning of warnings) say(`warning: ${line(lineOf(file ?? '', warning))}`)
  const places = [...gateway.listeners, ...gateway.tcp].map(urlOf)
  say(`gateway listens on ${places.join(', ')}; pools: ${summary(gateway)}`)
  if (gateway.admin) say(`admin API on ${urlOf(gateway.admin)}`)
}

/** Has the gateway go by its file and certificates as they change. `again` reads the file now, `end` ends the watch. */
function follow(
  gateway: Gateway,
  file: string,
  text: string,
  env: NodeJS.ProcessEnv,
): { again(by: Reloaded['by']): void; end(): void } {
  const certificates = watchFiles(() => void reloadCertificates(gateway, file, env))
  const watch = (): void => certificates.set(gateway.config?.files ?? new Map())
  const again = (by: Reloaded['by']): void => void reload(gateway, file, env, by)
  watch()
  gateway.onReload = ({ by, error }) => {
    if (by !== 'certificate') watch() // else the files are those of before
    const { processes = 1 } = gateway.config ?? {}
    if (gateway.frontend instanceof OwnFrontend && processes > 1 && error === undefined)
      say(`warning: this gateway is one process: processes: ${processes} takes a restart`)
  }
  const unwatch = watchFile(file, text, () => again('file'))
  const end = (): void => {
    unwatch()
    certificates.close()
  }
  return { again, end }
}

/** Has others take the place of the processes that take traffic, once more where that is asked for meanwhile. */
function replacing(gateway: Gateway, processes: Processes | undefined): () => void {
  let last = Promise.resolve()
  let waiting = 0
  return () => {
    if (!processes)
      return say('SIGUSR2: there is one process, which takes a restart; set processes to 2 or more')
    if (waiting > 0) return // what was replaced then is as new as it would be for this signal
    waiting++
    last = last.then(() => {
      waiting--
      return replace(gateway, processes)
    })
  }
}

async function replace(gateway: Gateway, processes: Processes): Promise<void> {
  say('SIGUSR2: processes are replaced')
  try {
    await processes.replace((deed) => gateway.inTurn(deed))
    say('all processes are replaced')
  } catch (error) {
    say(`not all processes are replaced: ${sentence(error instanceof Error ? error.message : String(error))}`)
  }
}

/** Finishes what is in flight, and ends. */
async function stop(gateway: Gateway, why: string, exitCode: number): Promise<void> {
  say(why)
  const whole = await gateway.close()
  const bound = (gateway.config?.shutdown ?? 0) / 1000
  say(whole ? 'gateway stopped' : `gateway stopped; what was not over after ${bound} s was cut`)
  exit(exitCode)
}
