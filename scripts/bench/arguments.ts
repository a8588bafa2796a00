import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface Wishes {
  /** Names of scenarios; empty for the default ones. */
  readonly scenarios: readonly string[]
  /** Names of subjects; `undefined` for all. */
  readonly subjects: readonly string[] | undefined
  /** `undefined` leaves it to the time there is. */
  readonly rounds: number | undefined
  /** Whole seconds a measurement; `undefined` leaves it to the time there is. */
  readonly seconds: number | undefined
  readonly load: 'wrk' | 'autocannon' | undefined
  readonly quick: boolean
  readonly help: boolean
}

/** Names that may be asked for. */
export interface Known {
  readonly scenarios: readonly string[]
  readonly subjects: readonly string[]
}

/**
 * Reads the arguments after the script's name.
 * @throws Error, one line, that names the bad one and what may stand there.
 */
export function readArguments(args: readonly string[], known: Known): Wishes {
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => arg !== '--'), // npm's way of passing arguments on
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      subjects: { type: 'string' },
      load: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const subjects = values.subjects?.split(',').map((name) => name.trim())
  for (const name of positionals) checkName('scenario', name, known.scenarios)
  for (const name of subjects ?? []) checkName('subject', name, known.subjects)
  if (values.load !== undefined) checkName('load', values.load, ['wrk', 'autocannon'])
  return {
    scenarios: positionals,
    subjects,
    rounds: values.rounds === undefined ? undefined : count('--rounds', values.rounds, 100),
    seconds: values.seconds === undefined ? undefined : count('--seconds', values.seconds, 60),
    load: values.load as Wishes['load'],
    quick: values.quick,
    help: values.help,
  }
}

/** What `--help` prints. */
export function usage({ scenarios, subjects }: Known): string {
  return `pnpm bench [SCENARIO…] [options]

  scenarios   ${scenarios.join(' ')}
              default: small 10k 1m, in under 5 minutes; strategies needs no servers,
              tcp and processes are all whose names begin so
  --quick     small only, in under a minute, not kept as results
  --rounds N  rounds of each scenario; default 5, fewer when time is short
  --seconds N seconds a measurement
  --load P    wrk or autocannon; default wrk where it is installed
  --subjects  comma-separated, of: ${subjects.join(' ')}
`
}

function checkName(what: string, name: string, known: readonly string[]): void {
  if (!known.includes(name)) throw new Error(`there is no ${what} "${name}"; use one of: ${known.join(', ')}`)
}

function count(option: string, value: string, most: number): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  throw new Error(`${option} is "${value}"; give a whole number from 1 to ${most}`)
}
