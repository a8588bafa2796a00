import type { IncomingMessage } from 'node:http'
import { served, type Pool } from '@rondo/balancer'
import { sentence, word } from './printable.ts'

/** Of a request's id that many characters are logged: a UUID has 36. */
const LONGEST_ID = 200
/** Of what it asks for. */
const LONGEST_URL = 2000

/** A request or an upgrade that is over. */
export interface Entry {
  readonly req: IncomingMessage
  readonly address: string | undefined
  readonly status: number | string | undefined
  readonly length: string | undefined
  /** In ms. */
  readonly duration: string | undefined
}

/** A line for a request that failed, with the cause: the worker's address, and what it did. */
export function logFailure(req: IncomingMessage, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  say(`"${asked(req)}" failed: ${sentence(message)} ${id(req)}`)
}

/** A line for each change of liveness: the worker, its state, the poller's reason. */
export function logLiveness(pool: Pool): void {
  pool.on('up', (worker, reason) => say(`worker ${word(worker.id)} is up: ${sentence(reason)}`))
  pool.on('down', (worker, reason) => say(`worker ${word(worker.id)} is down: ${sentence(reason)}`))
}

/** A line of the gateway's own, with its time. What others have a say in goes through `word` or `sentence` first. */
export function say(line: string): void {
  console.log(timed(line))
}

/**
 * `say` for what a flood may cause, lest it fill the disk: the first line at once, and then at most one each `every`
 * ms, the last there was, with the number of those that were left out.
 */
export function saySeldom(every = 1000): (line: string) => void {
  let waiting = 0
  let latest = ''
  let timer: NodeJS.Timeout | undefined
  function utter(): void {
    say(waiting > 1 ? `${latest}, and ${waiting - 1} more like it` : latest)
    waiting = 0
    timer = setTimeout(() => {
      timer = undefined
      if (waiting > 0) utter()
    }, every).unref()
  }
  return (line) => {
    waiting++
    latest = line
    if (!timer) utter()
  }
}

/** An IPv4 address as it is known, not as the IPv6 socket shows it. */
export function plain(address = '-'): string {
  return address.replace(/^::ffff:/, '')
}

/** A line with its time. */
export function timed(line: string): string {
  return `${new Date().toISOString()} ${line}`
}

/** Who asked what, the answer, which worker gave it in which attempt. */
export function lineOf({ req, address, status = '-', length = '-', duration = '-' }: Entry): string {
  const { worker, attempts = 0 } = served(req) ?? {}
  const by = `worker=${worker ? word(worker.id) : '-'} attempts=${attempts}`
  return `${plain(address)} "${asked(req)}" ${status} ${word(length)} ${by} ${duration} ms ${id(req)}`
}

/** The same as an object, for logs in JSON. */
export function fieldsOf({ req, address, status, length, duration }: Entry): object {
  const { worker, attempts = 0, id } = served(req) ?? {}
  return {
    time: new Date().toISOString(),
    client: plain(address),
    method: req.method,
    url: urlOf(req).slice(0, LONGEST_URL),
    status: Number(status) || undefined,
    length: Number(length) || undefined,
    worker: worker?.id,
    attempts,
    duration: Number(duration) || undefined,
    id: id?.slice(0, LONGEST_ID),
  }
}

function asked(req: IncomingMessage): string {
  return `${word(req.method ?? '')} ${word(urlOf(req), LONGEST_URL)}`
}

/** What the client asked for: Express and routes may have changed `url`. */
function urlOf(req: IncomingMessage): string {
  return (req as { originalUrl?: string }).originalUrl ?? req.url ?? ''
}

function id(req: IncomingMessage): string {
  return `id=${word(served(req)?.id ?? '-', LONGEST_ID)}`
}
