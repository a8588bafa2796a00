import type { ScenarioResult } from '../result.ts'
import { circumstances } from './format.ts'
import { cells, markdownTable, remarks } from './table.ts'

/** All results as one page. */
export function markdown(results: readonly ScenarioResult[]): string {
  const sections = results.map((result) =>
    [
      `## ${result.name}: ${result.title}`,
      circumstances(result),
      markdownTable(cells(result)),
      remarks(result)
        .map((remark) => `- ${remark.replace(/^\*/, '\\*')}`)
        .join('\n'),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  )
  return `${[HEAD, ...sections].join('\n\n')}\n`
}

const HEAD = `# Benchmark

Written by \`pnpm bench\`. Each round visits every subject, in another order each time; a ratio is the median of the
ratios within rounds. All subjects balance over the same three backends. Before each measurement six answers are
compared by content, and must come from all three.`
