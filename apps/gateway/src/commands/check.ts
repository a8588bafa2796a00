import { lineOf } from '../config/fault.ts'
import { load } from '../config/load.ts'
import { readArguments } from './arguments.ts'

/** `rondo check FILE`. @throws ConfigError with all that is wrong with the file. */
export async function check(args: readonly string[]): Promise<void> {
  const [path = ''] = readArguments(args, {}, [1, 1]).files
  const { config, warnings } = await load(path, process.env)
  for (const warning of warnings) console.log(`warning: ${lineOf(path, warning)}`)
  const workers = Array.from(config.pools.values()).reduce((sum, pool) => sum + pool.workers.length, 0)
  console.log(
    `${path} is right: ${config.pools.size} pools, ${workers} workers, ${config.routes.length} routes`,
  )
}
