import type { Contestant } from './contestant.ts'
import type { Row } from './result.ts'
import type { Samples } from './rounds.ts'
import type { Figure, Figures, Sample } from './sample.ts'
import type { Scenario } from './scenario.ts'
import { median, medianRatio } from './statistics.ts'
import { subjectVersion } from './versions.ts'

/** One row a contestant, from its samples; `broken` says of those that did not start why. */
export function summarise(
  scenario: Pick<Scenario, 'figures' | 'against'>,
  contestants: readonly Contestant[],
  samples: Samples,
  broken: ReadonlyMap<string, string>,
): Row[] {
  const valuesOf = (name: string, figure = scenario.figures[0]): (number | undefined)[] =>
    (samples.get(name) ?? []).map(({ figures }) => figure && figures[figure])

  return contestants.map((contestant) => {
    const { name, subject } = contestant
    const own = samples.get(name) ?? []
    const ratios = scenario.against.flatMap(({ heading, of, figure }) => {
      const ratio = medianRatio(valuesOf(name, figure), valuesOf(of(contestant), figure))
      return ratio === undefined ? [] : [[heading, ratio] as const]
    })
    const why = broken.get(name) ?? own.find((sample) => sample.why !== undefined)?.why
    const version = name === subject.name ? subjectVersion(subject) : undefined
    return {
      name,
      label: name === subject.name ? subject.label : name,
      ...(version !== undefined && { version }),
      figures: medians(scenario.figures, own),
      ratios: Object.fromEntries(ratios),
      errors: own.reduce((sum, { errors }) => sum + errors, broken.has(name) ? 1 : 0),
      ...(why !== undefined && { why: withoutPaths(why) }),
    }
  })
}

function medians(figures: readonly Figure[], samples: readonly Sample[]): Figures {
  const found = figures.flatMap((figure) => {
    const value = median(samples.flatMap((sample) => sample.figures[figure] ?? []))
    return value === undefined ? [] : [[figure, value] as const]
  })
  return Object.fromEntries(found)
}

/** Results tell nothing of the machine they come from. */
function withoutPaths(text: string): string {
  return text.replaceAll(/(?<![\w:/])(\/[\w.@+-]+){2,}/g, '…')
}
