// The subject of the soak: an Express app that balances, or a gateway, in its own process. `subject.ts` starts it with the
// forwarder's name, the workers and which of the two, and drives it by messages.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  answerError,
  createPool,
  httpProxy,
  isWebSocket,
  loadBalance,
  served,
  type Drained,
  type Worker,
} from '@rondo/balancer'
import { undici } from '@rondo/balancer/undici'
import express, { type ErrorRequestHandler } from 'express'
import { openGateway } from './gateway.ts'

export interface Spec {
  readonly name: string
  readonly url: string
  readonly weight?: number
}

/** What the balancer knows of a request that did not end as it should, or of an upgraded connection that is over. */
export interface Trouble {
  readonly id: string
  /** The worker of the last attempt. */
  readonly worker: string | undefined
  readonly attempts: number
  /** Whether a response had begun. */
  readonly begun: boolean
  readonly error: string | undefined
}

export type Message =
  | { readonly is: 'ready'; readonly port: number }
  | { readonly is: 'answer'; readonly seq: number; readonly answer: unknown }
  | { readonly is: 'refusal'; readonly seq: number; readonly why: string }
  | { readonly is: 'trouble'; readonly trouble: Trouble }
  | { readonly is: 'down'; readonly worker: string; readonly reason: string }
  | { readonly is: 'warning'; readonly text: string }

export interface Order {
  readonly seq: number
  readonly name: keyof Commands
  readonly args: readonly unknown[]
}

/** What the process uses, after a forced collection. */
export interface Usage {
  readonly heap: number
  readonly rss: number
  /** How many there are of each kind: of what keeps the event loop alive, and of open file descriptors. */
  readonly handles: Readonly<Record<string, number>>
}

void process.stdout // Node opens it with the first pipe(); that is no growth

const [forwarder = '', list = '', kind] = process.argv.slice(2)
const specs = JSON.parse(list) as Spec[]
const gateway = kind === 'gateway' ? await openGateway(forwarder, specs) : undefined
const pool = gateway?.pool ?? createPool(specs, { strategy: 'random-two-choices' })
/** Those that have left too: their attempts count. */
const everyWorker = new Set<Worker>(pool.workers)
pool.on('added', (worker) => everyWorker.add(worker))
pool.on('down', ({ id }, reason) => tell({ is: 'down', worker: id, reason }))
process.on('warning', ({ name, message }) => {
  if (name === 'MaxListenersExceededWarning') tell({ is: 'warning', text: message })
})

const server = gateway?.server ?? createApp()
if (gateway) watch(gateway.server)

const commands = {
  add: async (spec: Spec): Promise<void> => (gateway ? gateway.add(spec) : void pool.add(spec)),
  drain: (id: string): Promise<Drained> => pool.drain(id),
  undrain: (id: string): void => pool.undrain(id),
  remove: (id: string): Promise<Drained> => (gateway ?? pool).remove(id),
  update: (specs: readonly Spec[]): Promise<readonly Drained[]> =>
    gateway ? gateway.update(specs) : pool.update(specs).drained,
  isAlive: (id: string): boolean => pool.workers.some((worker) => worker.id === id && worker.alive),
  usage,
  counts,
}

export type Commands = typeof commands
export type Counts = ReturnType<typeof counts>

process.on('message', ({ seq, name, args }: Order) => {
  const command = commands[name] as (...args: readonly unknown[]) => unknown
  void (async () => command(...args))().then(
    (answer) => tell({ is: 'answer', seq, answer }),
    (error: unknown) => tell({ is: 'refusal', seq, why: String(error) }),
  )
})
process.on('SIGINT', () => {}) // Ctrl-C is for the soak, which ends this process

await pool.ready
if (!gateway) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}
tell({ is: 'ready', port: (server.address() as AddressInfo).port })

/** What it tells of requests is as `watch` has it, and why they failed. */
function createApp(): Server {
  const balance = loadBalance(pool, { forwarder: forwarder === 'undici' ? undici() : httpProxy() })
  const app = express()
  app.disable('x-powered-by')
  app.use((req, res, next) => {
    res.once('close', () => {
      const error: unknown = res.locals['error']
      if (error !== undefined || !res.writableFinished) report(req, res.headersSent && !error, error)
    })
    next()
  })
  app.use(balance)
  const onError: ErrorRequestHandler = (error, req, res, _next) => {
    res.locals['error'] = error
    answerError(error, req, res)
  }
  app.use(onError)

  const server = createServer(
    { keepAliveTimeout: 65_000, requestTimeout: 0, shouldUpgradeCallback: isWebSocket },
    app,
  )
  server.on('upgrade', (req, socket, head) => {
    void balance.upgrade(req, socket, head).then(() => report(req, served(req)?.status === 101, undefined))
  })
  return server
}

/** Reports what does not end as it should; the log knows why. */
function watch(server: Server): void {
  server.prependListener('request', (req, res) => {
    res.once('close', () => {
      const isOwn = res.statusCode >= 500
      if (isOwn || !res.writableFinished) report(req, res.headersSent && !isOwn, undefined)
    })
  })
  server.prependListener('upgrade', (req, socket) => {
    socket.once('close', () => report(req, served(req)?.status === 101, undefined))
  })
}

function tell(message: Message): void {
  if (process.connected) process.send?.(message)
}

function report(req: IncomingMessage, begun: boolean, error: unknown): void {
  const { id = '', worker, attempts = 0 } = served(req) ?? {}
  const text = error instanceof Error ? error.message : undefined
  tell({ is: 'trouble', trouble: { id, worker: worker?.id, attempts, begun, error: text } })
}

function usage(): Usage {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
  const descriptors = openDescriptors()
  if (descriptors !== undefined) handles['file descriptors'] = descriptors
  return { heap: heapUsed, rss, handles }
}

/** Sockets that do not keep the event loop alive are no active resources, but they are open. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return undefined // no Linux
  }
}

function counts() {
  const all = Array.from(everyWorker)
  const sum = (of: (worker: Worker) => number): number => all.reduce((total, worker) => total + of(worker), 0)
  return {
    ...pool.stats().requests,
    inFlight: sum((worker) => worker.inFlight),
    attempts: sum((worker) => worker.requests),
    repeated: sum((worker) => worker.retries),
    dead: pool.workers.filter((worker) => !worker.alive).map(({ id }) => id),
  }
}
