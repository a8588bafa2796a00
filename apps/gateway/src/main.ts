import { OptionError } from '@rondo/balancer'
import { ConfigError } from './config/fault.ts'
import { run } from './run.ts'

// The gateway alone: `main.ts [file]`.
try {
  await run(process.argv[2], process.env)
} catch (error) {
  const isKnown = error instanceof OptionError || error instanceof ConfigError
  console.error('rondo:', isKnown ? error.message : error)
  process.exit(1)
}
