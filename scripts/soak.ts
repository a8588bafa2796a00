import { onEnd } from './dev/end.ts'
import { readArguments, USAGE, type Wishes } from './soak/arguments.ts'
import { killAll } from './soak/children.ts'
import { summary } from './soak/report.ts'
import { soak } from './soak/run.ts'

process.on('exit', killAll)

try {
  const wishes = readArguments(process.argv.slice(2))
  if (wishes.help) process.stdout.write(USAGE)
  else process.exitCode = await soakAll(wishes)
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
process.exit()

/** Soaks one forwarder after the other, and prints how it goes; resolves with the exit code: 1 when anything failed. */
async function soakAll({ seconds, seed, forwarders, gateway }: Wishes): Promise<number> {
  onEnd(async (why) => {
    say(`${why}: everything stops`)
    process.exit(130)
  })
  const each = Math.max(1, Math.round(seconds / forwarders.length))
  const kind = gateway ? 'gateway' : 'app'
  say(
    `soak of ${gateway ? 'a gateway by ' : ''}${forwarders.join(', then ')}: ${each} s of traffic and faults each, seed ${seed}`,
  )
  let failed = 0
  for (const forwarder of forwarders) {
    const soaked = await soak(forwarder, each, seed, (line) => say(`${forwarder} ${line}`), kind)
    say(summary(soaked))
    failed += soaked.tally.failed
  }
  say(failed === 0 ? 'soak: nothing failed that could be saved' : `soak: ${failed} failed`)
  return failed === 0 ? 0 : 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
