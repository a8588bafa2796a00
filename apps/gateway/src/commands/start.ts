import { run } from '../run.ts'
import { readArguments } from './arguments.ts'

/** `rondo start [FILE]`. @throws ConfigError or OptionError for what the gateway cannot start with. */
export async function start(args: readonly string[]): Promise<void> {
  const [file] = readArguments(args, {}, [0, 1]).files
  await run(file, process.env)
}
