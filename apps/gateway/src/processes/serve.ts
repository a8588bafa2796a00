import { createFollower, HttpError, OptionError, type Middleware } from '@rondo/balancer'
import { showAddress } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import type { Deed } from '../deeds.ts'
import { exit } from '../exit.ts'
import type { Prepared } from '../listeners.ts'
import { OwnFrontend } from '../own-frontend.ts'
import { toFault } from './faults.ts'
import { Journal } from './journal.ts'
import type { Note, Order, Reply, Shown } from './messages.ts'

// A process that takes traffic: it does what the leading process says, and tells it what it has counted.

const frontend = new OwnFrontend({
  openPool: (workers, options) => createFollower(workers, options, journal.touch),
  answerMetrics: metricsOfAll(),
  stalls: { count: 0, close() {} }, // the leading process sees them, also those that never end
})
const journal = new Journal(Number(process.env['RONDO_JOURNAL']) || undefined, () => frontend, sendNote)
const questions = new Map<number, (shown: Partial<Shown>) => void>()
let prepared: Prepared | undefined
let config: Config | undefined

process.title = `rondo: process ${process.env['RONDO_PROCESS']}`
process.on('exit', () => journal.summarize())
process.on('message', (order: Order) => void carryOut(order))

function say(reply: Reply): void {
  process.send?.(reply)
}

function sendNote(note: Note, sent: () => void): void {
  process.send?.({ kind: 'note', note } satisfies Reply, (error: Error | null) => void (error || sent()))
}

async function carryOut(order: Order): Promise<void> {
  switch (order.kind) {
    case 'prepare':
      return answer(order.id, () => prepare(order.config))
    case 'take':
      prepared?.take(config?.shutdown ?? 0)
      prepared = undefined
      for (const one of order.briefing) void carryOut(one)
      return
    case 'drop':
      return drop()
    case 'verdicts':
      for (const [name, verdicts] of order.verdicts) frontend.pools.get(name)?.heed(verdicts)
      return
    case 'deed':
      return perform(order.deed)
    case 'report':
      return journal.report(order.id)
    case 'share':
      for (const { address, served } of [...frontend.listeners, ...frontend.tcp])
        served.limit(order.share[showAddress(address)] ?? Infinity)
      return
    case 'shown':
      return questions.get(order.id)?.(order)
    case 'end':
      return answer(order.id, async () => ({ isWhole: await frontend.close(order.bound, order.idle) }), true)
  }
}

async function answer(id: number, deed: () => Promise<object | void>, isLast = false): Promise<void> {
  const reply: Reply = await deed().then(
    (more) => ({ kind: 'done', id, ...more }),
    (error: unknown) => ({ kind: 'done', id, fault: toFault(error) }),
  )
  if (isLast) process.send?.(reply, () => exit(0))
  else say(reply)
}

async function prepare(next: Config): Promise<void> {
  drop()
  prepared = await frontend.prepare(next)
  config = next
}

function drop(): void {
  prepared?.drop()
  prepared = undefined
}

/**
 * Does what the leading process has done, which tells how it ended. It may not be possible here: the worker has gone
 * already, or came by a config that a process which is about to end was not told of.
 */
async function perform(deed: Deed): Promise<void> {
  try {
    await frontend.perform(deed)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
  }
}

/** Answers `/metrics` with what all processes have counted. */
function metricsOfAll(): Middleware {
  let lastId = 0
  return async function metrics(req, res, next) {
    if (req.method !== 'GET' || req.url?.replace(/\?.*/s, '') !== '/metrics') return next?.()
    const id = ++lastId
    const { contentType, body } = await new Promise<Partial<Shown>>((resolve) => {
      questions.set(id, resolve)
      say({ kind: 'show', id, accept: req.headers.accept })
    })
    questions.delete(id)
    if (body === undefined) return next?.(new HttpError(503, 'the metrics could not be had'))
    const headers = { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) }
    res.writeHead(200, { ...headers, 'Cache-Control': 'no-store' }).end(body)
  }
}
