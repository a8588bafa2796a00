#!/usr/bin/env node
import { OptionError } from '@rondo/balancer'
import { CommandError, UsageError } from './commands/arguments.ts'
import { ConfigError } from './config/fault.ts'
import { exit } from './exit.ts'
import { RefusalError } from './processes/faults.ts'

const USAGE = `Usage:
  rondo check FILE    says what is wrong with a config file; exits with 0 if nothing is, else with 1
  rondo start [FILE]  runs the gateway, by ./rondo.yaml or the environment where no file is named
  rondo plan FILE     asks the running gateway what it would change if FILE were its config, and changes nothing
  rondo stats         shows what the running gateway does; in a terminal until Ctrl-C, else once

Options of plan and stats:
  --admin URL         where the gateway's admin API is; else RONDO_ADMIN, else what FILE says as admin,
                      else http://127.0.0.1:8081
  --token TOKEN       what it asks for; else RONDO_TOKEN, which other users of the machine do not see, else FILE's
  --json              prints JSON, once
  --every TIME        of stats: how often it looks, and over what time it counts requests per second; default 1s`

/** Each loaded when it is wanted: to look at a gateway takes no gateway. */
const COMMANDS: Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<void>>>> = {
  check: async () => (await import('./commands/check.ts')).check,
  start: async () => (await import('./commands/start.ts')).start,
  plan: async () => (await import('./commands/plan.ts')).plan,
  stats: async () => (await import('./commands/stats.ts')).stats,
}

const [name, ...args] = process.argv.slice(2)
const isAsking =
  name === undefined || name === 'help' || [name, ...args].some((arg) => arg === '--help' || arg === '-h')
try {
  if (isAsking) console.error(USAGE)
  else if (Object.hasOwn(COMMANDS, name)) await (await COMMANDS[name]?.())?.(args)
  else throw new UsageError(`"${name}" is no command`)
} catch (error) {
  const isKnown = [OptionError, ConfigError, RefusalError, CommandError, UsageError].some(
    (known) => error instanceof known,
  )
  console.error(isKnown ? (error as Error).message : error)
  if (error instanceof UsageError) console.error(USAGE)
  exit(1)
}
