import type { IncomingMessage } from 'node:http'
import { served, type Middleware, type Pool } from '@rondo/balancer'
import morgan from 'morgan'
import { sentence, word } from './printable.ts'

/** Of a request's id that many characters are logged: a UUID has 36. */
const LONGEST_ID = 200

/** A line for each request when it is over: who asked what, the answer, which worker gave it in which attempt. */
export function accessLog(): Middleware {
  // A function, and no format of tokens: morgan would escape again what is escaped here.
  const log = morgan((tokens, req, res) => {
    const status = tokens['status']?.(req, res)
    const length = tokens['res']?.(req, res, 'content-length')
    return timed(line(req, req.socket?.remoteAddress, status, length, tokens['total-time']?.(req, res, '1')))
  })
  return async (req, res, next) => log(req, res, next ?? (() => {}))
}

/** The same line for an upgraded connection, which has no response; written when it closes. */
export function logUpgrade(
  req: IncomingMessage,
  address: string | undefined,
  begun: number,
  status: number | string | undefined = served(req)?.status,
): void {
  say(line(req, address, status, undefined, (performance.now() - begun).toFixed(1)))
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

function timed(line: string): string {
  return `${new Date().toISOString()} ${line}`
}

function line(
  req: IncomingMessage,
  address: string | undefined,
  status: number | string = '-',
  length: number | string = '-',
  duration = '-',
): string {
  const { worker, attempts = 0 } = served(req) ?? {}
  const by = `worker=${worker ? word(worker.id) : '-'} attempts=${attempts}`
  return `${plain(address)} "${asked(req)}" ${status} ${word(String(length))} ${by} ${duration} ms ${id(req)}`
}

function asked(req: IncomingMessage): string {
  const { originalUrl = req.url ?? '' } = req as { originalUrl?: string } // Express's: `url` may lack the mount path
  return `${word(req.method ?? '')} ${word(originalUrl)}`
}

function id(req: IncomingMessage): string {
  return `id=${word(served(req)?.id ?? '-', LONGEST_ID)}`
}
