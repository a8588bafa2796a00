import type { Usage } from './balancer.ts'
import type { Action } from './faults.ts'
import type { Handles } from './growth.ts'
import type { Soaked } from './run.ts'
import type { Tally } from './tally.ts'

/** How many different complaints are shown. */
const SHOWN = 20

/** How it goes, in a line. */
export function progress(
  ms: number,
  { total, aborted, lost, failed }: Tally,
  done: Partial<Record<Action, number>>,
  { heap, rss, handles }: Usage,
): string {
  const open = handles['file descriptors'] ?? handles['TCPSocketWrap'] ?? 0
  return [
    `${Math.round(ms / 1000)} s: ${count(total)} requests`,
    `${aborted} left by their clients`,
    `${lost} lost as the rules allow`,
    `${failed} failed`,
    `heap ${megabytes(heap)}`,
    `rss ${megabytes(rss)}`,
    `${open} handles`,
    list(done),
  ].join(', ')
}

/** How it went, in some lines. */
export function summary({ forwarder, tally, done, counts, samples, heap, handles }: Soaked): string {
  const rss = samples.map((usage) => usage.rss)
  const lines: [string, string][] = [
    [
      'requests',
      `${count(tally.total)} (${list(tally.byKind)}); ${count(tally.aborted)} left by their clients`,
    ],
    ['faults', list(done)],
    [
      'balancer',
      `total ${counts.total}, failed ${counts.failed}, unattempted ${counts.unattempted}, retries ${counts.retries}, ` +
        `denied ${counts.retriesDenied}, attempts ${counts.attempts}`,
    ],
    ['lost', `${tally.lost} as the rules allow`],
    ...Array.from(tally.losses, ([cause, times]): [string, string] => ['', `${times} × ${cause}`]),
    [
      'heap',
      heap
        ? `${megabytes(heap.first)} → ${megabytes(heap.last)} in the first and the last quarter`
        : 'the soak was too short to tell',
    ],
    [
      'rss',
      `${megabytes(rss[0] ?? 0)} → ${megabytes(rss.at(-1) ?? 0)}, at most ${megabytes(Math.max(0, ...rss))}`,
    ],
    ['handles', `${tellHandles(handles.before)} → ${tellHandles(handles.after)}`],
    ['failed', String(tally.failed)],
    ...Array.from(tally.complaints, ([text, times]): [string, string] => ['', `${times} × ${text}`]).slice(
      0,
      SHOWN,
    ),
  ]
  if (tally.complaints.size > SHOWN) lines.push(['', `and ${tally.complaints.size - SHOWN} more causes`])
  return [forwarder, ...lines.map(([name, text]) => `  ${name.padEnd(9)} ${text}`)].join('\n')
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, times]) => `${name} ${count(times)}`)
    .join(', ')
}

function tellHandles(handles: Handles): string {
  const open = Object.entries(handles).filter(([, many]) => many > 0)
  return list(Object.fromEntries(open)) || 'none'
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
