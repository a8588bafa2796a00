import type { Figure } from '../sample.ts'
import type { ScenarioResult } from '../result.ts'

/** The heading of a figure's column. */
export function heading(figure: Figure, unit: ScenarioResult['unit']): string {
  const headings: Record<Figure, string> = {
    perSecond: unit === 'MB' ? 'MB/s' : `${unit}s/s`,
    p50: 'p50 ms',
    p99: 'p99 ms',
    p999: 'p99.9 ms',
    cpu: `CPU µs/${unit}`,
    share: 'core used',
    rss: 'RSS MB',
    held: 'bytes each',
    among3: 'ns among 3',
    among100: 'among 100',
    among1000: 'among 1,000',
    among10000: 'among 10,000',
    slow: 'to slow workers',
    led: 'of it leading',
    busiest: 'the busiest',
    beside: `load's and backends'`,
    room: `${unit}s/s on free cores`,
    pss: 'Pss MB',
    pssLed: 'leading',
    pssEach: 'each serving',
    rssLed: 'RSS MB leading',
    rssEach: 'RSS MB each serving',
  }
  return headings[figure]
}

/** A figure for a table; `–` for one that there is not. */
export function show(figure: Figure, value: number | undefined): string {
  if (value === undefined) return '–'
  if (/^[pr]ss/.test(figure)) return (value / 2 ** 20).toFixed(0)
  if (figure === 'led') return `${(value * 100).toFixed(1)} %`
  if (['share', 'slow', 'busiest'].includes(figure)) return `${Math.round(value * 100)} %`
  if (figure === 'cpu' || figure === 'beside') return value.toFixed(1)
  if (figure === 'p50' || figure === 'p99' || figure === 'p999') return value.toFixed(value < 10 ? 2 : 1)
  return Math.round(value).toLocaleString('en')
}

/** A ratio for a table; `–` for one that there is not. */
export function showRatio(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`
}

/** Where and how a result was measured, in one line. */
export function circumstances(result: ScenarioResult): string {
  const { machine, load, backends, rounds, seconds, date } = result
  const where = `Node ${machine.node.slice(1)}, ${machine.os}`
  if (load === '') return `${rounds > 1 ? `${rounds} rounds, medians; ` : ''}no servers; ${where}; ${date}`
  const cores = machine.pinned
    ? `${machine.cores} cores: ${machine.each ?? 'one'} for the subject, ${machine.each ?? 'one'} for load and backends`
    : `${machine.cores} cores, nothing pinned`
  return `${rounds} rounds of ${seconds} s, medians; ${load} and ${backends} backends; ${where}, ${cores}; ${date}`
}
