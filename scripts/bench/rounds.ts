import type { Running } from './contestant.ts'
import type { Plan } from './plan.ts'
import { failed, type Sample } from './sample.ts'
import type { Scenario } from './scenario.ts'
import { rotated } from './statistics.ts'

/** Samples by contestant; `[i]` is of round `i`. */
export type Samples = ReadonlyMap<string, readonly Sample[]>

/**
 * Measures every contestant once a round, each round in another order, so that what changes on the machine changes
 * for all. `since` is the scenario's start: rounds that the plan's bound leaves no time for are left out.
 */
export async function measureRounds(
  scenario: Scenario,
  running: readonly Running[],
  { rounds, seconds, bound }: Plan,
  since: number,
  say: (line: string) => void,
): Promise<Samples> {
  const samples = new Map<string, Sample[]>(running.map(({ contestant }) => [contestant.name, []]))
  let longest = 0
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now()
    if (round > 0 && (begun - since + longest) / 1000 > bound) {
      say(`${scenario.name}: time is up after ${round} of ${rounds} rounds`)
      break
    }
    for (const each of rotated(running, round)) {
      samples.get(each.contestant.name)?.push(await measureOnce(scenario, each, seconds))
    }
    longest = Math.max(longest, performance.now() - begun)
    const errors = [...samples.values()].reduce((sum, list) => sum + (list[round]?.errors ?? 0), 0)
    say(`${scenario.name}: round ${round + 1} of ${rounds}${errors > 0 ? `, ${errors} errors` : ''}`)
  }
  return samples
}

async function measureOnce(scenario: Scenario, running: Running, seconds: number): Promise<Sample> {
  let measured = running
  try {
    if (scenario.fresh) {
      measured = await running.again()
      await scenario.warmUp(measured)
    } else if (running.over !== undefined) throw new Error(`ended with ${running.over}`)
    await scenario.verify(measured.origin, measured.contestant)
    return await scenario.measure(measured, seconds)
  } catch (error) {
    return failed(error)
  } finally {
    if (measured !== running) await measured.stop()
  }
}
