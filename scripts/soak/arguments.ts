import { parseArgs } from 'node:util'

export const FORWARDERS = ['http-proxy', 'undici'] as const

export type ForwarderName = (typeof FORWARDERS)[number]

/** What the command line asks for. */
export interface Wishes {
  /** Of the whole soak; several forwarders share them. */
  readonly seconds: number
  /** Of all that is left to chance. */
  readonly seed: number
  readonly forwarders: readonly ForwarderName[]
  /** Whether a gateway is soaked instead of the library in an app. */
  readonly gateway: boolean
  readonly help: boolean
}

export const USAGE = `pnpm soak [options]

  --seconds N    seconds of traffic; default 120, shared by the forwarders
  --seed N       repeats what is left to chance: traffic and faults; default another each time
  --forwarder F  ${FORWARDERS.join(' or ')}; default one after the other
  --gateway      a gateway, reloaded all the time, instead of the library in an app
`

/**
 * Reads the arguments after the script's name.
 * @throws Error, one line, that names the bad one and what may stand there.
 */
export function readArguments(args: readonly string[]): Wishes {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'), // npm's way of passing arguments on
    options: {
      seconds: { type: 'string', default: '120' },
      seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 999_999)) },
      forwarder: { type: 'string' },
      gateway: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const chosen = FORWARDERS.filter((name) => values.forwarder === undefined || name === values.forwarder)
  if (chosen.length === 0)
    throw new Error(`there is no forwarder "${values.forwarder}"; use one of: ${FORWARDERS.join(', ')}`)
  return {
    seconds: count('--seconds', values.seconds, 86_400),
    seed: count('--seed', values.seed, 2 ** 32 - 1),
    forwarders: chosen,
    gateway: values.gateway,
    help: values.help,
  }
}

function count(option: string, value: string, most: number): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  throw new Error(`${option} is "${value}"; give a whole number from 1 to ${most}`)
}
