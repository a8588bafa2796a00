import { readFile } from 'node:fs/promises'
import { check } from './check.ts'
import { toConfig, type Config } from './config.ts'
import { applyEnvironment } from './environment.ts'
import { explain } from './explain.ts'
import { ConfigError, UNREADABLE, type Fault } from './fault.ts'
import { Files } from './files.ts'
import { readNow } from './read.ts'
import { schema, type File } from './schema.ts'
import { MOST_FAULTS, readSource, type MayRead } from './source.ts'
import { hiddenListeners } from './warnings-tls.ts'
import { warningsOf } from './warnings.ts'

/** A config that can be used, and what hurts in it though it is legal. */
export interface Loaded {
  /** The file's text, as it was read. */
  readonly text: string
  readonly config: Config
  readonly warnings: readonly Fault[]
}

/**
 * Reads a config file, YAML or JSON, with what the environment sets over it.
 * @throws ConfigError with all that is wrong with it.
 */
export async function load(path: string, env: NodeJS.ProcessEnv): Promise<Loaded> {
  return parse(path, await readText(path), env)
}

/** The same of a file as it is now, which does not wait for who writes into a pipe. */
export async function loadNow(path: string, env: NodeJS.ProcessEnv): Promise<Loaded> {
  return parse(path, await readText(path, readNow), env)
}

/** The text of a config file. @throws ConfigError where it cannot be read. */
export function readText(
  path: string,
  read = (from: string): Promise<string> => readFile(from, 'utf8'),
): Promise<string> {
  return read(path).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(path, [
      {
        path: '',
        line: undefined,
        column: undefined,
        message: `cannot be read: ${UNREADABLE[error.code ?? ''] ?? error.message}`,
      },
    ])
  })
}

/** The same of a file's text; variables stand in it where they `mayRead`. @throws ConfigError as well. */
export function parse(file: string, text: string, env: NodeJS.ProcessEnv, mayRead?: MayRead): Loaded {
  const source = readSource(text, env, mayRead)
  if (source.faults.length > 0) throw faulty(file, source.faults)
  const result = schema.safeParse(source.value ?? {}, { reportInput: true })
  if (!result.success)
    throw faulty(
      file,
      result.error.issues.slice(0, MOST_FAULTS).flatMap((issue) => explain(issue, source)),
    )
  const whole = applyEnvironment(result.data, env)
  const files = new Files()
  const faults = check(whole, source, files).map((fault) => byVariable(fault, env))
  if (faults.length > 0) throw faulty(file, faults)
  const written = applyEnvironment((source.value ?? {}) as File, env)
  const hidden = hiddenListeners(result.data, env, source)
  return {
    text,
    config: toConfig(whole, written, text, files),
    warnings: [...hidden, ...warningsOf(whole, source, files).map((warning) => byVariable(warning, env))],
  }
}

/** What is wrong with `workers`, `admin.listen` or `processes` is wrong with the variable that has set it. */
function byVariable(fault: Fault, env: NodeJS.ProcessEnv): Fault {
  const [ofWorkers, rest] = /^(?:pools\.default\.)?workers(.*)$/.exec(fault.path) ?? []
  const at = (path: string): Fault => ({ ...fault, path, line: undefined, column: undefined })
  if (ofWorkers !== undefined && env['WORKERS'] !== undefined) return at(`WORKERS${rest}`)
  if (fault.path === 'processes' && env['PROCESSES'] !== undefined) return at('PROCESSES')
  return fault.path === 'admin.listen' && env['ADMIN'] !== undefined ? at('ADMIN') : fault
}

function faulty(file: string, faults: readonly Fault[]): ConfigError {
  const sorted = faults.toSorted(
    (one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  )
  return new ConfigError(file, sorted.slice(0, MOST_FAULTS))
}
