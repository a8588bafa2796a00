import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments, usage, type Known, type Wishes } from './bench/arguments.ts'
import { available } from './bench/available.ts'
import { loadProgram, useLoadProgram } from './bench/load/http-load.ts'
import { planFor } from './bench/plan.ts'
import { killAll } from './bench/processes/launch.ts'
import { circumstances } from './bench/report/format.ts'
import { keep } from './bench/report/keep.ts'
import { cells, remarks, terminalTable } from './bench/report/table.ts'
import type { ScenarioResult } from './bench/result.ts'
import { runScenario } from './bench/run-scenario.ts'
import type { Scenario } from './bench/scenario.ts'
import { DEFAULT_SCENARIOS, GROUPS, scenarios } from './bench/scenarios/index.ts'
import { measureStrategies, STRATEGIES } from './bench/strategies/index.ts'
import { subjects, tcpSubjects } from './bench/subjects/index.ts'
import { onEnd } from './dev/end.ts'

const KNOWN: Known = {
  scenarios: [...scenarios.map(({ name }) => name), ...GROUPS, STRATEGIES[0]],
  subjects: [...subjects, ...tcpSubjects].map(({ name }) => name),
}
const RESULTS = fileURLToPath(new URL('bench/results', import.meta.url))

process.on('exit', killAll)

try {
  const wishes = readArguments(process.argv.slice(2), KNOWN)
  if (wishes.help) process.stdout.write(usage(KNOWN))
  else process.exitCode = await measure(wishes)
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
process.exit()

/** Runs what was wished, prints and keeps the results; resolves with the exit code: 1 when anything failed. */
async function measure(wishes: Wishes): Promise<number> {
  onEnd(async (why) => {
    say(`${why}: everything stops`)
    process.exit(130)
  })
  const results: ScenarioResult[] = []
  const chosen = choose(wishes)
  if (chosen.length > 0) results.push(...(await underLoad(wishes, chosen)))
  if (wishes.scenarios.includes(STRATEGIES[0]))
    for (const result of measureStrategies(wishes.rounds ?? 5)) {
      results.push(result)
      print(result)
    }
  const order = [...KNOWN.scenarios, ...STRATEGIES]
  const files = await keep(RESULTS, isFull(wishes) ? 'latest' : 'trial', results, order)
  say(`written: ${files.map((file) => relative(process.cwd(), file)).join(', ')}`)
  return results.some(({ rows }) => rows.some(({ errors }) => errors > 0)) ? 1 : 0
}

/** Measures scenarios that have servers and load, and prints each. */
async function underLoad(wishes: Wishes, chosen: readonly Scenario[]): Promise<ScenarioResult[]> {
  useLoadProgram(wishes.load)
  const isOfTcp = chosen.some(({ tcp }) => tcp)
  const isOfHttp = chosen.some(({ tcp }) => !tcp)
  const ofHttp = await available(isOfHttp ? subjects : [], wishes.subjects)
  const ofTcp = await available(isOfTcp ? tcpSubjects : [], wishes.subjects)
  for (const line of [...ofHttp.missing, ...ofTcp.missing]) say(line)
  if (isOfHttp && wishes.load === undefined && loadProgram() === 'autocannon')
    say(
      'without wrk: the load comes from autocannon, which takes more from the backends beside it; on Debian: apt-get install wrk',
    )
  const results: ScenarioResult[] = []
  for (const scenario of chosen) {
    const contestants = scenario.contestants((scenario.tcp ? ofTcp : ofHttp).subjects)
    if (contestants.length === 0) throw new Error(`${scenario.name}: none of the subjects can do it`)
    const { around = 0.2 } = scenario
    const size = { scenarios: chosen.length, contestants: contestants.length, around }
    const result = await runScenario(scenario, contestants, planFor(wishes, size), say)
    results.push(result)
    print(result)
  }
  return results
}

function choose({ scenarios: wanted, quick }: Wishes) {
  const defaults = quick ? ['small'] : DEFAULT_SCENARIOS
  const names = wanted.length > 0 ? wanted : defaults
  const groups = GROUPS.filter((group) => names.includes(group))
  return scenarios.filter(
    ({ name }) => names.includes(name) || groups.some((group) => name.startsWith(`${group}-`)),
  )
}

/** What is kept as the latest results; the rest is a trial. */
function isFull({ quick, subjects: some, rounds = 5, load }: Wishes): boolean {
  return !quick && some === undefined && load === undefined && rounds >= 5
}

function print(result: ScenarioResult): void {
  const table = terminalTable(cells(result))
  const under = remarks(result).map((line) => `${line}\n`)
  process.stdout.write(
    `\n${result.name}: ${result.title}\n${circumstances(result)}\n\n${table}\n${under.join('')}\n`,
  )
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
