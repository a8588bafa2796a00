import type { EventEmitter } from 'node:events'
import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyMiddleware, type Options, type Plugin, type RequestHandler } from 'http-proxy-middleware'
import { OptionError, WorkerFailure } from '../errors.ts'
import type { Tls } from '../tls.ts'
import type { Worker } from '../worker.ts'
import { dial, dialTls, isTimeout, WorkerAgent } from './dial.ts'
import type { Carried, Forwarder, Terms } from './forwarder.ts'
import { HttpExchange } from './http-proxy-exchange.ts'
import { UpgradeExchange } from './http-proxy-upgrade.ts'

/** The options of http-proxy-middleware that would take the choice or the stream out of the balancer's hands. */
const RESERVED = {
  target: 'give the workers to createPool',
  router: 'give a strategy to createPool',
  buffer: 'loadBalance streams bodies, and holds them back until a connection stands',
  agent: 'loadBalance keeps the connections to workers itself',
  ws: 'connect upgrades with server.on("upgrade", balance.upgrade)',
  xfwd: 'loadBalance always sets X-Forwarded-*, by the app\'s "trust proxy"',
  ejectPlugins: 'loadBalance answers errors itself; give plugins as plugins: [...]',
  selfHandleResponse: 'loadBalance writes the response; change it in on.proxyRes',
  secure: 'give tls to createPool',
  ssl: 'give tls to createPool',
  changeOrigin: "give host: 'worker' to loadBalance",
  followRedirects: 'loadBalance hands redirects to the client',
  proxyTimeout: 'give timeouts to createPool',
  timeout: 'give timeouts to createPool',
  upgradeTimeout: 'give timeouts to createPool',
} as const

/** Where a request keeps the exchange that it is in: a WeakMap of them would cost the garbage collector dear. */
const EXCHANGE = Symbol('rondo.exchange')

/** One for all who give no options: http-proxy-middleware stays with each server that it has seen, for good. */
let plain: RequestHandler | undefined

type InExchange = IncomingMessage & { [EXCHANGE]?: HttpExchange | UpgradeExchange }

/** The options of http-proxy-middleware, without those that are the balancer's. */
export type HttpProxyOptions = Omit<Options, keyof typeof RESERVED>

/**
 * Forwards by http-proxy-middleware; the default forwarder. `options` are passed on to it; `on` handlers and
 * `plugins` run after the guard that keeps hop-by-hop headers, spoofed addresses and broken responses away.
 * `on.error` is told of each failed attempt, those that another worker mends too.
 * @throws OptionError for an option that is the balancer's, naming what to use for it.
 */
export function httpProxy(options: HttpProxyOptions = {}): Forwarder {
  for (const [name, mend] of Object.entries(RESERVED))
    if (Object.hasOwn(options, name))
      throw new OptionError(
        `httpProxy.${name}`,
        options[name as keyof HttpProxyOptions],
        `is not an option here: ${mend}`,
      )

  const { on = {}, plugins = [], pathFilter, ...rest } = options
  const agents = new Map<Worker, WorkerAgent>()
  /** Of workers that were forgotten while they carried something. */
  const retired = new Set<WorkerAgent>()
  /** Whose early bytes are back in the socket: http-proxy-middleware puts them there, and would again at each attempt. */
  const headless = new WeakSet<Duplex>()
  const create = (): RequestHandler =>
    createProxyMiddleware({
      ...rest,
      ejectPlugins: true,
      router: (req: InExchange, _res, request) => req[EXCHANGE]?.route(request) ?? '',
      plugins: [guard, handlers(on), ...plugins],
    })
  const proxy = Object.keys(options).length === 0 ? (plain ??= create()) : create()

  function agentOf(worker: Worker, { keepAlive, timeouts, tls }: Terms): WorkerAgent {
    const agent = agents.get(worker)
    if (agent?.isFor(keepAlive.idle, timeouts.connect, tls)) return agent
    if (agent) retire(agent)
    const fresh = new WorkerAgent(worker, keepAlive.idle, timeouts.connect, tls)
    agents.set(worker, fresh)
    return fresh
  }

  function retire(agent: WorkerAgent): void {
    agent.retire()
    for (const one of retired.add(agent)) if (!one.isInUse) retired.delete(one)
  }

  return {
    ...(pathFilter !== undefined && { accepts: matcher({ ...rest, pathFilter }) }),

    forward(req: InExchange, res, worker, terms) {
      if (req[EXCHANGE]) for (const emitter of [req, res]) unlimit(emitter)
      return new Promise<Carried>((resolve, reject) => {
        const agent = agentOf(worker, terms)
        const exchange = new HttpExchange(req, res, worker, agent, terms, { resolve, reject })
        req[EXCHANGE] = exchange
        proxy(req, res, exchange.broken).catch(exchange.broken)
      })
    },

    async upgrade(req: InExchange, socket, head, worker, terms) {
      const timeout = Math.min(terms.timeouts.connect, terms.until - performance.now())
      const connection = await connected(worker, terms.tls, timeout, socket).catch((error) => {
        if (socket.destroyed) return undefined
        throw new WorkerFailure(worker.id, 'connect', error, { timeout: isTimeout(error) })
      })
      if (!connection || socket.destroyed) {
        connection?.destroy()
        return 'client-gone'
      }
      if (headless.has(socket)) unlimit(socket)
      return new Promise<Carried>((resolve, reject) => {
        const settle = { resolve, reject }
        req[EXCHANGE] = new UpgradeExchange(req, socket, worker, connection, terms, settle)
        proxy.upgrade(req, socket as Socket, headless.has(socket) ? Buffer.alloc(0) : head)
        headless.add(socket)
      })
    },

    forget(worker) {
      const agent = agents.get(worker)
      if (!agent) return
      agents.delete(worker)
      retire(agent)
    },

    close() {
      for (const agent of [...agents.values(), ...retired]) agent.destroy()
      agents.clear()
      retired.clear()
    },
  }
}

/** For what goes into a further attempt: http-proxy-middleware leaves some listeners of each with it, to its end. */
function unlimit(emitter: EventEmitter): void {
  emitter.setMaxListeners(0)
}

/** A connection for a client, given up when that leaves meanwhile. */
async function connected(worker: Worker, tls: Tls, timeout: number, client: Duplex): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const dialed = worker.isSecure
    ? dialTls(worker, tls, {}, timeout, (error, socket) => (error ? reject(error) : resolve(socket)))
    : dial({ host: worker.hostname, port: worker.port }, timeout)
  // They stay: the connection may break before the exchange listens.
  dialed.on('error', reject).once('close', () => reject(new Error('closed')))
  if (!worker.isSecure) dialed.once('connect', () => resolve(dialed))
  const leave = (): void => void dialed.destroy()
  client.once('close', leave)
  return promise.finally(() => client.off('close', leave))
}

/** Tells each exchange what http-proxy-middleware sees of it; runs before everything of the user's. */
const guard: Plugin = (server) => {
  server.on('start', (req: InExchange) => {
    if (req[EXCHANGE] instanceof HttpExchange) req[EXCHANGE].starting()
  })
  server.on('proxyReq', (proxyReq, req: InExchange, _res, request) => {
    if (req[EXCHANGE] instanceof HttpExchange) req[EXCHANGE].sending(proxyReq, request)
  })
  server.on('proxyRes', (proxyRes, req: InExchange) => {
    if (req[EXCHANGE] instanceof HttpExchange) req[EXCHANGE].answered(proxyRes)
  })
  server.on('proxyReqWs', (proxyReq, req: InExchange) => {
    if (req[EXCHANGE] instanceof UpgradeExchange) req[EXCHANGE].sending(proxyReq)
  })
  // Without a listener here, errors would be thrown at the process.
  server.on('error', (error, req: InExchange | undefined, _res, target) =>
    req?.[EXCHANGE]?.failed(error, target),
  )
}

/**
 * The user's `on` handlers: http-proxy-middleware's own plugin for them is ejected with its error answers. What a
 * handler throws, or rejects with, ends its exchange and goes to `next`, not to the process.
 */
function handlers(on: NonNullable<Options['on']>): Plugin {
  return (server) => {
    for (const [event, handler] of Object.entries(on)) {
      if (!handler) continue
      const listener = async (...args: unknown[]): Promise<void> => {
        try {
          await Reflect.apply(handler, undefined, args)
        } catch (error) {
          for (const arg of args)
            if (arg instanceof IncomingMessage) (arg as InExchange)[EXCHANGE]?.broken(error)
        }
      }
      server.on(event as never, ((...args: unknown[]) => void listener(...args)) as never)
    }
  }
}

/** http-proxy-middleware matches `pathFilter` itself, and asks the router, at once, only for what matches. */
function matcher(options: Pick<Options, 'pathFilter' | 'logger'>): (req: IncomingMessage) => boolean {
  let matched = false
  const dryRun = createProxyMiddleware({
    ...options,
    ejectPlugins: true,
    router() {
      matched = true
      throw new Error('asked only whether it matches')
    },
  })
  return (req) => {
    matched = false
    void dryRun(req, undefined as never, () => {})
    return matched
  }
}
