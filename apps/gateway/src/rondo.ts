#!/usr/bin/env node
import { OptionError } from '@rondo/balancer'
import { ConfigError, lineOf } from './config/fault.ts'
import { load } from './config/load.ts'
import { run } from './run.ts'

const USAGE = `Usage:
  rondo check FILE    says what is wrong with a config file; exits with 0 if nothing is, else with 1
  rondo start [FILE]  runs the gateway, by ./rondo.yaml or the environment where no file is named`

const [command, file, ...rest] = process.argv.slice(2)
try {
  if (command === 'check' && file !== undefined && rest.length === 0) await check(file)
  else if (command === 'start' && rest.length === 0) await run(file, process.env)
  else {
    console.error(USAGE)
    process.exitCode = command === undefined || command === 'help' || command === '--help' ? 0 : 1
  }
} catch (error) {
  const isKnown = error instanceof OptionError || error instanceof ConfigError
  console.error(isKnown ? error.message : error)
  process.exit(1)
}

async function check(path: string): Promise<void> {
  const { config, warnings } = await load(path, process.env)
  for (const warning of warnings) console.log(`warning: ${lineOf(path, warning)}`)
  const workers = Array.from(config.pools.values()).reduce((sum, pool) => sum + pool.workers.length, 0)
  console.log(
    `${path} is right: ${config.pools.size} pools, ${workers} workers, ${config.routes.length} routes`,
  )
}
