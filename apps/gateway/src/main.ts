import { OptionError } from '@rondo/balancer'
import { ConfigError } from './config/fault.ts'
import { exit } from './exit.ts'
import { RefusalError } from './processes/faults.ts'
import { run } from './run.ts'

// The gateway alone: `main.ts [file]`.
try {
  await run(process.argv[2], process.env)
} catch (error) {
  const isKnown = [OptionError, ConfigError, RefusalError].some((known) => error instanceof known)
  console.error('rondo:', isKnown ? (error as Error).message : error)
  exit(1)
}
