import { parseArgs, type ParseArgsConfig } from 'node:util'

/** What is said wrong on the command line: shown with how the command is used. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Why a command cannot do its work, in one line, with the mend. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** The options by which plan and stats find the admin API. */
export const ADMIN_OPTIONS = {
  admin: { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean' },
} as const

/**
 * The options and files of a command, of which there are at least `least` and at most `most`.
 * @throws UsageError for others.
 */
export function readArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
  [least, most]: readonly [number, number],
): { values: ReturnType<typeof parse<T>>['values']; files: readonly string[] } {
  const { values, positionals } = parse(args, options)
  if (positionals.length < least) throw new UsageError('no file is named')
  if (positionals.length > most) throw new UsageError(`"${positionals[most]}" is too much`)
  return { values, files: positionals }
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\. To specify .*$/s, ''))
  }
}
