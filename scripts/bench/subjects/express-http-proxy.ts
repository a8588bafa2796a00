import { Agent } from 'node:http'
import express from 'express'
import proxy from 'express-http-proxy'
import { inTurn, type Opened, type Place, type Subject } from '../subject.ts'

/** express-http-proxy: one instance a backend, bodies not parsed, a keep-alive agent. */
export const expressHttpProxy: Subject = {
  name: 'express-http-proxy',
  label: 'express-http-proxy',
  carries: ['tls'],
  start: { kind: 'script', file: import.meta.url, package: 'express-http-proxy' },
}

export function open({ backends }: Place): Opened {
  const app = express()
  app.disable('x-powered-by')
  const agent = new Agent({ keepAlive: true })
  const next = inTurn(
    backends.map((backend) =>
      proxy(backend, {
        parseReqBody: false,
        // Left alone it sends `connection: close`, and passes the backend's back to the client.
        proxyReqOptDecorator: (options) => ({
          ...options,
          agent,
          headers: { ...options.headers, connection: 'keep-alive' },
        }),
      }),
    ),
  )
  app.use((req, res, fail) => void next()(req, res, fail))
  return { listener: app }
}
