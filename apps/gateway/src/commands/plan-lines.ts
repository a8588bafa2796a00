import { showTime } from '../config/units.ts'
import { onOneLine, type Change } from '../difference.ts'
import type { RouteChange } from '../plan-routes.ts'
import type { OtherChange, Plan, PlannedDrain, PlannedListener, PlannedWorker } from '../plan.ts'
import { line } from '../printable.ts'
import { readable } from './readable.ts'

/** What a line is of: what comes, goes or changes, a heading, or a remark. */
export type Mark = '+' | '-' | '~' | '#' | ' '

export interface PlanLine {
  readonly mark: Mark
  readonly text: string
}

/** A plan for humans, a line each. Nothing in it moves a cursor. */
export function planLines(plan: Plan): PlanLine[] {
  if (plan.isEmpty) return [{ mark: ' ', text: 'nothing would change' }]
  const lines = [
    ...section('listeners', listenerLines(plan.listeners)),
    ...section('pools', poolLines(plan.pools)),
    ...section('routes', plan.routes.map(routeLine)),
    ...section(
      'other keys',
      plan.others.map((change) => item('~', otherText(change))),
    ),
    { mark: ' ' as const, text: streamsText(plan.streams) },
  ]
  return lines.map(({ mark, text }) => ({ mark, text: line(text) }))
}

function section(title: string, lines: readonly PlanLine[]): PlanLine[] {
  return lines.length === 0 ? [] : [{ mark: '#', text: title }, ...lines]
}

function item(mark: Mark, text: string, depth = 1): PlanLine {
  return { mark, text: `${'  '.repeat(depth)}${mark} ${text}` }
}

function listenerLines({ opened, closed, changed }: Plan['listeners']): PlanLine[] {
  return [
    ...opened.map((one) => item('+', nameOf(one))),
    ...closed.map((one) =>
      item(
        '-',
        nameOf(one) + (one.connections === null ? '' : `, ${some(one.connections, 'open connection')}`),
      ),
    ),
    ...changed.flatMap((one) => [
      item('~', nameOf(one)),
      ...one.keys.map((change) => item('~', changeText(change), 2)),
    ]),
  ]
}

function nameOf({ listener, with: besides }: PlannedListener): string {
  return besides.length === 0 ? listener : `${listener} (${besides.join(', ')})`
}

function poolLines({ added, removed, changed }: Plan['pools']): PlanLine[] {
  return [
    ...added.flatMap((pool) => [
      item('+', `${pool.pool}: ${some(pool.added.length, 'worker')}, ${pool.forwarder}`),
      ...pool.added.map((worker) => item('+', workerText(worker), 2)),
    ]),
    ...removed.flatMap((pool) => [
      item('-', `${pool.pool}: ${some(pool.drained.length, 'worker')}`),
      ...pool.drained.map((worker) => item('-', drainText(worker), 2)),
    ]),
    ...changed.flatMap((pool) => [
      item('~', `${pool.pool}: ${some(pool.kept, 'worker')} kept`),
      ...pool.added.map((worker) => item('+', workerText(worker), 2)),
      ...pool.drained.map((worker) => item('-', drainText(worker), 2)),
      ...pool.weights.map(({ id, from, to }) => item('~', `${id}: weight ${from} → ${to}`, 2)),
      ...pool.keys.map((change) => item('~', changeText(change), 2)),
    ]),
  ]
}

function workerText(worker: PlannedWorker): string {
  const weight = worker.weight === 1 ? '' : `, weight ${worker.weight}`
  return `${worker.id}: ${worker.url}${weight}${worker.returns ? ', stays after all' : ''}`
}

function drainText({ id, url, inFlight, timeout }: PlannedDrain): string {
  return `${id}: ${url}, ${inFlight} in flight, drained within ${showTime(timeout)}`
}

function routeLine(change: RouteChange): PlanLine {
  const { route } = change
  if (change.change === 'added') return item('+', `routes[${change.at}] ${route}`)
  if (change.change === 'removed') return item('-', `routes[${change.from}] ${route}`)
  const place = change.from === change.at ? `routes[${change.at}]` : `routes[${change.from} → ${change.at}]`
  if (change.change === 'moved') return item('~', `${place} ${route}`)
  return item('~', `${place} ${route}: ${change.keys.map(changeText).join('; ')}`)
}

function changeText({ key, from, to }: Change): string {
  const [before, after] = [from, to].map((value) =>
    value === undefined ? '(default)' : onOneLine(readable(key, value)),
  )
  return before === after ? `${key}: another ${after}` : `${key}: ${before} → ${after}`
}

function otherText(change: OtherChange): string {
  return changeText(change) + (change.restart ? ', which takes a restart' : '')
}

function streamsText(streams: number): string {
  return streams === 0
    ? 'nothing in flight is on workers that go'
    : `${some(streams, 'exchange')} in flight on workers that go; what is not over when their time ends is cut`
}

function some(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
