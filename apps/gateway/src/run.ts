import { existsSync } from 'node:fs'
import { say } from './access-log.ts'
import { load, parse, type Loaded } from './config/load.ts'
import { lineOf } from './config/fault.ts'
import { watchFile, watchFiles } from './config/watch.ts'
import { Gateway } from './gateway.ts'
import { urlOf } from './listeners.ts'
import { line } from './printable.ts'
import { reload, reloadCertificates, summary, type Reloaded } from './reload.ts'

/** The config file where none is named, if it is there. */
const USUAL = './rondo.yaml'

/**
 * Runs the gateway until a signal ends it: by `file`, by `./rondo.yaml` where there is one, or by the environment alone.
 * The file is watched, and read again on SIGHUP; the certificates that it names are watched too.
 * @throws ConfigError or OptionError for what it cannot start with.
 */
export async function run(named: string | undefined, env: NodeJS.ProcessEnv): Promise<void> {
  const file = named ?? (existsSync(USUAL) ? USUAL : undefined)
  const { text, config, warnings }: Loaded = file === undefined ? parse('', '', env) : await load(file, env)
  const gateway = new Gateway({ file, env })
  await gateway.apply(config)
  if (file !== undefined) for (const warning of warnings) say(`warning: ${line(lineOf(file, warning))}`)
  const places = [...gateway.listeners, ...gateway.tcp].map(urlOf)
  say(`gateway listens on ${places.join(', ')}; pools: ${summary(gateway)}`)
  if (gateway.admin) say(`admin API on ${urlOf(gateway.admin)}`)

  const followed = file === undefined ? undefined : follow(gateway, file, text, env)
  process.on('SIGHUP', () => followed?.again('signal'))

  let stopping = false
  function onSignal(signal: NodeJS.Signals): void {
    if (stopping) process.exit(1)
    stopping = true
    followed?.end()
    void stop(gateway, signal)
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
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
  gateway.onReload = ({ by }) => {
    if (by !== 'certificate') watch() // else the files are those of before
  }
  const unwatch = watchFile(file, text, () => again('file'))
  const end = (): void => {
    unwatch()
    certificates.close()
  }
  return { again, end }
}

async function stop(gateway: Gateway, signal: NodeJS.Signals): Promise<void> {
  say(`${signal}: finishing what is in flight`)
  const whole = await gateway.close()
  const bound = (gateway.config?.shutdown ?? 0) / 1000
  say(whole ? 'gateway stopped' : `gateway stopped; what was not over after ${bound} s was cut`)
  process.exit(0)
}
