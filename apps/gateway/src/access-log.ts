import type { IncomingMessage } from 'node:http'
import { served, type Middleware, type Pool } from '@rondo/balancer'
import morgan from 'morgan'

const FORMAT = ':date[iso] :client ":method :url" :status :res[content-length] :served :total-time[1] ms'

morgan.token('client', (req: IncomingMessage) => plain(req.socket?.remoteAddress))
morgan.token('served', (req: IncomingMessage) => servedBy(req))

/** A line for each request when it is over: who asked what, the answer, which worker gave it in which attempt. */
export function accessLog(): Middleware {
  const log = morgan(FORMAT)
  return async (req, res, next) => log(req, res, next ?? (() => {}))
}

/** The same line for an upgraded connection, which has no response; written when it closes. */
export function logUpgrade(req: IncomingMessage, address: string | undefined, begun: number): void {
  const status = served(req)?.status ?? '-'
  const duration = (performance.now() - begun).toFixed(1)
  const line = `${plain(address)} "${req.method} ${req.url}" ${status} - ${servedBy(req)} ${duration} ms`
  console.log(`${new Date().toISOString()} ${line}`)
}

/** A line for each change of liveness: the worker, its state, the poller's reason. */
export function logLiveness(pool: Pool): void {
  pool.on('up', (worker, reason) => say(`worker ${worker.id} is up: ${reason}`))
  pool.on('down', (worker, reason) => say(`worker ${worker.id} is down: ${reason}`))
}

/** A line of the gateway's own, with its time. */
export function say(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`)
}

/** An IPv4 address as it is known, not as the IPv6 socket shows it. */
function plain(address = '-'): string {
  return address.replace(/^::ffff:/, '')
}

function servedBy(req: IncomingMessage): string {
  const { worker, attempts = 0 } = served(req) ?? {}
  return `worker=${worker?.id ?? '-'} attempts=${attempts}`
}
