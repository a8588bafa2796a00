import { startBackends } from './backends/start.ts'
import { type Contestant, type Running, startContestant } from './contestant.ts'
import { loadProgram } from './load/http-load.ts'
import type { Plan } from './plan.ts'
import { machine } from './machine.ts'
import { makeCertificate } from './processes/certificate.ts'
import { divideCores } from './processes/pin.ts'
import type { ScenarioResult } from './result.ts'
import { measureRounds } from './rounds.ts'
import type { Scenario } from './scenario.ts'
import { summarise } from './summary.ts'

/**
 * Starts backends and contestants, measures them in rounds, and stops them all. A contestant that does not start,
 * or fails, is in the result with the reason.
 * @throws Error when there is nothing to measure with: no backends, no certificate.
 */
export async function runScenario(
  scenario: Scenario,
  contestants: readonly Contestant[],
  plan: Plan,
  say: (line: string) => void,
): Promise<ScenarioResult> {
  const since = performance.now()
  divideCores(scenario.cores ?? 1)
  const tls = scenario.tls ? await makeCertificate() : undefined
  const backends = await startBackends(scenario.backends)
  const broken = new Map<string, string>()
  const running: Running[] = []
  try {
    say(`${scenario.name}: starting ${contestants.map(({ name }) => name).join(', ')}`)
    for (const contestant of contestants) {
      const scheme = scenario.tcp ? 'tcp' : tls ? 'https' : 'http'
      const around = { scheme, backends: backends.origins, ...(tls && { tls }) } as const
      try {
        const started = await startContestant(contestant, around, scenario.verify)
        running.push(started)
        if (scenario.fresh) await started.stop()
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        broken.set(contestant.name, `did not start: ${why}`)
        say(`${scenario.name}: ${contestant.name} did not start: ${why}`)
      }
    }
    for (const each of scenario.fresh ? [] : running) await scenario.warmUp(each).catch(() => {}) // the rounds will show it
    const prepared = await scenario.prepare?.(running)
    const samples = await measureRounds(scenario, running, plan, since, say)
    const rows = summarise(scenario, contestants, samples, broken)
    return {
      name: scenario.name,
      title: scenario.title,
      date: new Date().toISOString().slice(0, 10),
      machine: machine(),
      load: scenario.tcp ? 'Node clients' : loadProgram(),
      backends: backends.kind,
      rounds: Math.max(0, ...[...samples.values()].map(({ length }) => length)),
      seconds: plan.seconds,
      unit: scenario.unit,
      better: scenario.better,
      figures: scenario.figures,
      headings: scenario.against.map(({ heading }) => heading),
      rows,
      notes: [
        ...(scenario.notes ?? []),
        ...(prepared === undefined ? [] : [prepared]),
        ...(scenario.conclude?.(rows) ?? []),
      ],
    }
  } finally {
    await Promise.all(running.map((each) => each.stop()))
    await backends.stop()
  }
}
