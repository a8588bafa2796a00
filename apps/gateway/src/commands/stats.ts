import { setTimeout as pause } from 'node:timers/promises'
import { duration } from '../config/units.ts'
import { sentence } from '../printable.ts'
import { ask, noRondo } from './admin-client.ts'
import { ADMIN_OPTIONS, readArguments, UsageError } from './arguments.ts'
import { findAdmin, type Admin } from './find-admin.ts'
import { Screen } from './screen.ts'
import { statsLines, type Sample, type StatsLine } from './stats-lines.ts'
import { statsSchema } from './stats-schema.ts'

/**
 * `rondo stats`: what the running gateway does, in a terminal until a signal ends it, else once.
 * @throws CommandError where the gateway cannot be asked at first.
 */
export async function stats(args: readonly string[]): Promise<void> {
  const { values } = readArguments(args, { ...ADMIN_OPTIONS, every: { type: 'string' } } as const, [0, 0])
  const every = toTime(values.every ?? '1s')
  const admin = findAdmin(values, process.env)
  if (values.json) return console.log(JSON.stringify(await ask(admin, '/stats'), undefined, 2))
  const first = await sample(admin)
  if (process.stdout.isTTY) return live(admin, every, first)
  await pause(every) // requests per second take two looks
  for (const { text } of statsLines(await sample(admin), first)) console.log(text)
}

/** Until a signal ends it. While the gateway is away it says so, above what was last seen. */
async function live(admin: Admin, every: number, first: Sample): Promise<never> {
  const screen = new Screen(process.stdout)
  screen.show(statsLines(first))
  screen.enter()
  giveBack(screen)
  let [before, last]: [Sample | undefined, Sample] = [undefined, first]
  for (;;) {
    await pause(every)
    const next = await sample(admin).catch((error: Error) => error)
    if (next instanceof Error) screen.show(away(next, statsLines(last, before)))
    else {
      ;[before, last] = [last, next]
      screen.show(statsLines(last, before))
    }
  }
}

/** Whatever ends or stops the command, the terminal is as it was before. */
function giveBack(screen: Screen): void {
  const end = (): never => {
    screen.leave()
    process.exit(0)
  }
  process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', end)
  process.on('SIGTSTP', () => {
    screen.leave()
    process.kill(process.pid, 'SIGSTOP')
  })
  process.on('SIGCONT', () => screen.enter())
}

function away({ message }: Error, lines: readonly StatsLine[]): StatsLine[] {
  return [
    { look: 'bad', text: `away: ${sentence(message)}` },
    ...lines.map(({ text }): StatsLine => ({ look: 'dim', text })),
  ]
}

async function sample(admin: Admin): Promise<Sample> {
  const result = statsSchema.safeParse(await ask(admin, '/stats'))
  if (!result.success) throw noRondo(admin)
  return { at: performance.now(), origin: admin.url.origin, stats: result.data }
}

/** @throws UsageError for what is no time. */
function toTime(text: string): number {
  const result = duration.safeParse(text)
  if (!result.success)
    throw new UsageError(`--every: ${JSON.stringify(text)} ${result.error.issues[0]?.message}`)
  return result.data
}
