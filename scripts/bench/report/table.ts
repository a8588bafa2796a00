import type { Row, ScenarioResult } from '../result.ts'
import { heading, show, showRatio } from './format.ts'

/** A result as cells: the heading row first. Who was not kept busy, so that its rate is the load's, has a `*` at it. */
export function cells(result: ScenarioResult): string[][] {
  const { figures, headings, unit, rows } = result
  const [first, ...others] = figures
  const head = [
    '',
    ...figures.slice(0, 1).map((figure) => heading(figure, unit)),
    ...headings,
    ...others.map((figure) => heading(figure, unit)),
    'errors',
  ]
  const body = rows.map((row) => [
    named(row),
    ...(first ? [`${show(first, row.figures[first])}${isLoadBound(result, row) ? '*' : ''}`] : []),
    ...headings.map((name) => showRatio(row.ratios[name])),
    ...others.map((figure) => show(figure, row.figures[figure])),
    row.errors === 0 ? '0' : `**${row.errors}**`,
  ])
  return [head, ...body]
}

/** What must be said under a table: its notes, what `*` means, and every error. */
export function remarks(result: ScenarioResult): string[] {
  const starred = result.rows.some((row) => isLoadBound(result, row))
  return [
    ...result.notes,
    ...(starred
      ? ['* used less than 85 % of its core: load, backends or other work on the machine were the limit.']
      : []),
    ...result.rows.flatMap(({ name, errors, why }) =>
      errors > 0 ? [`${name}: ${errors} errors, the first: ${why ?? 'unknown'}`] : [],
    ),
  ]
}

/** At full load, a subject that is not busy waits for the load. */
function isLoadBound({ figures }: ScenarioResult, row: Row): boolean {
  return figures[0] === 'perSecond' && row.figures.share !== undefined && row.figures.share < 0.85
}

function named({ label, version }: Row): string {
  return version === undefined ? label : `${label} ${version}`
}

/** Cells as lines for a terminal: the first column to the left, the others to the right. */
export function terminalTable(rows: readonly (readonly string[])[]): string {
  const plain = rows.map((row) => row.map((cell) => cell.replaceAll('**', '')))
  const widths = (plain[0] ?? []).map((_, i) => Math.max(...plain.map((row) => row[i]?.length ?? 0)))
  return plain
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
    .join('\n')
}

/** Cells as a table of Markdown. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  return [line(head), `|---${'|--:'.repeat(head.length - 1)}|`, ...body.map(line)].join('\n')
}
