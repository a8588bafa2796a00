import { Agent } from 'node:http'
import express from 'express'
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware'
import { inTurn, type Opened, type Place, type Subject } from '../subject.ts'

/**
 * Bare http-proxy-middleware on Express in its cheapest correct form: one instance, a round-robin `router`, its
 * own plugins ejected, and a keep-alive agent without a bound on connections. Every ratio "vs hpm" is to this.
 */
export const hpm: Subject = {
  name: 'hpm',
  label: 'http-proxy-middleware',
  carries: ['websocket', 'tls'],
  start: { kind: 'script', file: import.meta.url, package: 'http-proxy-middleware' },
}

export function open({ backends }: Place): Opened {
  const app = express()
  app.disable('x-powered-by')
  const proxy = createProxyMiddleware({
    router: inTurn(backends),
    agent: new Agent({ keepAlive: true }),
    ejectPlugins: true,
    plugins: [answerErrors],
  })
  app.use(proxy)
  return { listener: app, upgrade: (req, socket, head) => proxy.upgrade(req, socket as never, head) }
}

/** The least that keeps a failing worker from being the end of the process. */
const answerErrors: Plugin = (server) => {
  server.on('error', (_error, _req, res) => {
    if (!res || !('headersSent' in res)) res?.destroy()
    else if (res.headersSent) res.destroy()
    else res.writeHead(502).end()
  })
}
