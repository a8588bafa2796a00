import { say } from './access-log.ts'
import { loadNow, parse, type Loaded } from './config/load.ts'
import { ConfigError, lineOf, type Fault } from './config/fault.ts'
import type { Gateway } from './gateway.ts'
import { line as shown, word } from './printable.ts'

/** How a reload went. */
export interface Reloaded {
  /** When, in ms since 1970. */
  readonly at: number
  /** What asked for it. */
  readonly by: 'file' | 'signal' | 'certificate' | 'api'
  /** Why nothing was changed; undefined if all was. */
  readonly error: string | undefined
  /** What is wrong with the file, where that is why. */
  readonly faults: readonly Fault[]
}

/** Has a gateway go by a file as it is now. What is wrong with the file goes to the log, and the gateway goes on as it was. */
export function reload(
  gateway: Gateway,
  file: string,
  env: NodeJS.ProcessEnv,
  by: Reloaded['by'] = 'file',
): Promise<Reloaded> {
  return attempt(gateway, by, file, async () => {
    const loaded = await loadNow(file, env)
    // Whoever writes a file in place empties it first: that is not the wish for a gateway of defaults.
    if (loaded.text.trim() === '') throw new Error(`${file} is empty`)
    return loaded
  })
}

/** The same when certificates have changed: they are read again, by what is in force of the config file. */
export function reloadCertificates(
  gateway: Gateway,
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<Reloaded> {
  return attempt(gateway, 'certificate', file, async () => parse(file, gateway.config?.text ?? '', env))
}

async function attempt(
  gateway: Gateway,
  by: Reloaded['by'],
  file: string,
  read: () => Promise<Loaded>,
): Promise<Reloaded> {
  let error: string | undefined
  let faults: readonly Fault[] = []
  try {
    let warnings: Loaded['warnings'] = []
    await gateway.apply(async () => {
      const loaded = await read()
      warnings = loaded.warnings
      return loaded.config
    })
    for (const warning of warnings) say(`warning: ${shown(lineOf(file, warning))}`)
    say(by === 'certificate' ? 'new certificates are in force' : `${file} is in force: ${summary(gateway)}`)
  } catch (thrown) {
    if (thrown instanceof ConfigError) faults = thrown.faults
    error = thrown instanceof Error ? thrown.message : String(thrown)
    const what = by === 'certificate' ? 'certificates are kept as they were' : 'not reloaded'
    for (const line of error.split('\n')) say(`${what}: ${shown(line)}`)
  }
  const reloaded = { at: Date.now(), by, error, faults }
  gateway.note(reloaded)
  return reloaded
}

/** The pools and their workers, without those that are about to leave. */
export function summary({ pools }: Gateway): string {
  return Array.from(pools, ([name, pool]) => {
    const staying = pool.stats().workers.filter(({ leaving }) => !leaving)
    return `${name} (${staying.map(({ id }) => word(id)).join(', ')})`
  }).join('; ')
}
