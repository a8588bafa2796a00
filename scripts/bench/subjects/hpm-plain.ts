import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { inTurn, type Opened, type Place, type Subject } from '../subject.ts'

/** http-proxy-middleware as its readme shows it, default plugins and agent, with a round-robin `router`. */
export const hpmPlain: Subject = {
  name: 'hpm-plain',
  label: 'http-proxy-middleware, defaults',
  carries: ['websocket', 'tls'],
  start: { kind: 'script', file: import.meta.url, package: 'http-proxy-middleware' },
}

export function open({ backends }: Place): Opened {
  const app = express()
  const proxy = createProxyMiddleware({ router: inTurn(backends) })
  app.use(proxy)
  return { listener: app, upgrade: (req, socket, head) => proxy.upgrade(req, socket as never, head) }
}
