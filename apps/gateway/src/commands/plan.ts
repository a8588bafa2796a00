import { styleText } from 'node:util'
import { ConfigError } from '../config/fault.ts'
import { readText } from '../config/load.ts'
import type { Plan } from '../plan.ts'
import { line } from '../printable.ts'
import { ask, noRondo, Refused } from './admin-client.ts'
import { ADMIN_OPTIONS, readArguments } from './arguments.ts'
import { findAdmin } from './find-admin.ts'
import { planLines, type Mark } from './plan-lines.ts'

const COLOURS = { '+': 'green', '-': 'red', '~': 'yellow', '#': 'bold' } as const

/**
 * `rondo plan FILE`: prints what the running gateway would change if FILE were its config.
 * @throws ConfigError with all that the gateway finds wrong with the file, and CommandError where it cannot be asked.
 */
export async function plan(args: readonly string[]): Promise<void> {
  const { values, files } = readArguments(args, ADMIN_OPTIONS, [1, 1])
  const [file = ''] = files
  const text = await readText(file)
  if (text.trim() === '') throw empty(file)
  const admin = findAdmin(values, process.env, text)
  const answer = await ask(admin, '/plan', { type: 'application/yaml', text }).catch((error: unknown) => {
    throw error instanceof Refused ? (faultsOf(file, error) ?? error) : error
  })
  if (typeof (answer as Partial<Plan>).isEmpty !== 'boolean') throw noRondo(admin)
  if (values.json) console.log(JSON.stringify(answer, undefined, 2))
  else for (const { mark, text } of planLines(answer as Plan)) console.log(painted(mark, text))
}

/** A file that is saved in several steps is empty for a moment. */
function empty(file: string): ConfigError {
  const message = 'is empty, and a reload would leave all as it is; give the whole config'
  return new ConfigError(file, [{ path: '', line: undefined, column: undefined, message }])
}

/** The faults of a config file that a gateway has found, as `rondo check` says them. */
function faultsOf(file: string, { problem }: Refused): ConfigError | undefined {
  if (problem.errors.length === 0) return undefined
  return new ConfigError(
    file,
    problem.errors.map((error) => ({
      path: line(error.field),
      line: error.line,
      column: error.column,
      message: line(error.detail),
    })),
  )
}

function painted(mark: Mark, text: string): string {
  if (mark === ' ' || !process.stdout.isTTY) return text
  return styleText(COLOURS[mark], text, { stream: process.stdout })
}
