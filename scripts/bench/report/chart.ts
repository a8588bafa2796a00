import type { Row, ScenarioResult } from '../result.ts'

const WIDTH = 880
const LABELS = 236
const GAP = 24
const ROW = 24
const TOP = 78
const BAR = 15

/**
 * An SVG of bars: a panel a scenario, a row a subject, each bar the ratio to bare http-proxy-middleware. Rows are
 * ordered by the first panel. Results without ratios to it are left out.
 */
export function chart(results: readonly ScenarioResult[]): string {
  const panels = results.filter(
    ({ headings, rows }) => headings.includes(VS) && rows.some((row) => VS in row.ratios),
  )
  const rows = ordered(panels)
  const height = TOP + rows.length * ROW + 34
  const panelWidth = (WIDTH - LABELS - 16 - GAP * (panels.length - 1)) / Math.max(1, panels.length)
  const parts = [
    text(16, 26, 'Requests per second on one core, http-proxy-middleware = 1', 'title'),
    ...rows.map(({ name, label }, i) => text(LABELS - 10, middle(i), label, `label${accent(name)}`)),
    ...panels.map((panel, i) => drawPanel(panel, rows, LABELS + i * (panelWidth + GAP), panelWidth)),
    text(
      16,
      height - 12,
      `Node ${panels[0]?.machine.node.slice(1) ?? ''}, ${panels[0]?.date ?? ''}; pnpm bench`,
      'note',
    ),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Requests per second compared with http-proxy-middleware">
<style>
text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #333 }
.title { font-size: 15px; font-weight: 600 }
.head { font-weight: 600 }
.label { text-anchor: end }
.ours { font-weight: 600; fill: #0b57a4 }
.note { font-size: 11px; fill: #777 }
</style>
<rect width="${WIDTH}" height="${height}" rx="6" fill="#fff"/>
${parts.join('\n')}
</svg>
`
}

const VS = 'vs hpm'

function drawPanel(panel: ScenarioResult, rows: readonly Row[], x: number, width: number): string {
  const ratios = new Map(panel.rows.map((row) => [row.name, row.ratios[VS]]))
  const most = Math.max(1, ...[...ratios.values()].map((ratio) => ratio ?? 0))
  const scale = (width - 48) / most // leaves room for the number behind the longest bar
  const one = (x + scale).toFixed(1)
  const bars = rows.map(({ name }, i) => {
    const ratio = ratios.get(name)
    if (ratio === undefined) return text(x + 4, middle(i), '–', 'note')
    const length = Math.max(1, ratio * scale)
    const y = TOP + i * ROW + (ROW - BAR) / 2
    return `<rect x="${x.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2" fill="${color(name)}"/>
${text(x + length + 5, middle(i), ratio.toFixed(2), '')}`
  })
  const bottom = TOP + rows.length * ROW
  return [
    text(x, TOP - 14, panel.title, 'head'),
    ...bars,
    `<line x1="${one}" x2="${one}" y1="${TOP - 4}" y2="${bottom}" stroke="#999" stroke-dasharray="2 3"/>`,
  ].join('\n')
}

/** All rows of all panels, the best of the first panel on top. */
function ordered(panels: readonly ScenarioResult[]): Row[] {
  const rows = new Map(panels.toReversed().flatMap((panel) => panel.rows.map((row) => [row.name, row])))
  return [...rows.values()].toSorted((a, b) => (b.ratios[VS] ?? 0) - (a.ratios[VS] ?? 0))
}

function middle(row: number): number {
  return TOP + row * ROW + ROW / 2 + 4
}

function accent(name: string): string {
  return name.startsWith('rondo-') ? ' ours' : ''
}

function color(name: string): string {
  if (name.startsWith('rondo-')) return '#1f77d0'
  return name === 'hpm' ? '#8a94a0' : '#c3cad2'
}

function text(x: number, y: number, content: string, kind: string): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}"${kind ? ` class="${kind}"` : ''}>${safe}</text>`
}
