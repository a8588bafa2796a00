import { say } from './access-log.ts'
import { load, type Loaded } from './config/load.ts'
import { lineOf } from './config/fault.ts'
import type { Gateway } from './gateway.ts'

/** How the last reload went. */
export interface Reloaded {
  /** When, in ms since 1970. */
  readonly at: number
  /** Why nothing was changed; undefined if all was. */
  readonly error: string | undefined
}

/** Has a gateway go by a file as it is now. What is wrong with the file goes to the log, and the gateway goes on as it was. */
export async function reload(gateway: Gateway, file: string, env: NodeJS.ProcessEnv): Promise<Reloaded> {
  let error: string | undefined
  try {
    let warnings: Loaded['warnings'] = []
    await gateway.apply(async () => {
      const loaded = await load(file, env)
      // Whoever writes a file in place empties it first: that is not the wish for a gateway of defaults.
      if (loaded.text.trim() === '') throw new Error(`${file} is empty`)
      warnings = loaded.warnings
      return loaded.config
    })
    for (const warning of warnings) say(`warning: ${lineOf(file, warning)}`)
    say(`${file} is in force: ${summary(gateway)}`)
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown)
    for (const line of error.split('\n')) say(`not reloaded: ${line}`)
  }
  gateway.reloaded = { at: Date.now(), error }
  return gateway.reloaded
}

/** The pools and their workers. */
export function summary({ pools }: Gateway): string {
  return Array.from(
    pools,
    ([name, { workers }]) => `${name} (${workers.map(({ id }) => id).join(', ')})`,
  ).join('; ')
}
