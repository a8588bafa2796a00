import { answerError, createPool, loadBalance, metrics, type Forwarder } from '@rondo/balancer'
import express, { type ErrorRequestHandler } from 'express'
import { logRequests, openLog } from '../../../apps/gateway/src/log.ts'
import { inTurn, type Opened, type Place } from '../subject.ts'

/** Rondo as the gateway has it: health checks, failover, metrics; the log only where the settings ask for it. */
export async function openRondo({ backends, settings }: Place, forwarder: Forwarder): Promise<Opened> {
  const pool = createPool(backends, {
    failover: { attempts: settings.attempts ?? 3 },
    ...(settings.sticky && { sticky: { secret: 'a secret of the benchmark, which has none' } }),
  })
  await pool.ready
  const app = express()
  app.disable('x-powered-by')
  if (settings.balance === false) {
    const next = inTurn(pool.workers)
    const { timeouts, limits, keepAlive, tls } = pool.settings
    const headers = { via: 'rondo', forwarded: false, host: 'keep' } as const
    const rules = { timeouts, limits, keepAlive, tls, headers, id: 'a-request' }
    const terms = { ...rules, until: Infinity, fresh: false, unwanted: new Set<number>() }
    app.use((req, res, fail) => void forwarder.forward(req, res, next(), terms).catch(fail))
    return { listener: app }
  }
  const balance = loadBalance(pool, { forwarder })
  if (settings.log) {
    const out = openLog({ format: 'rondo', file: undefined })
    const log = logRequests(() => out)
    app.use((req, res, next) => {
      log(req, res)
      next()
    })
  }
  if (settings.metrics !== false) app.use(metrics(pool))
  app.use(balance)
  app.use(onError)
  return { listener: app, upgrade: (req, socket, head) => balance.upgrade(req, socket, head) }
}

const onError: ErrorRequestHandler = (error, req, res, _next) => {
  console.error(`"${req.method} ${req.originalUrl}" failed: ${String(error)}`)
  answerError(error, req, res)
}
