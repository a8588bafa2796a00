import { answerError, HttpError, type Middleware, type Pool } from '@rondo/balancer'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { logFailure } from './access-log.ts'
import { redirectOf } from './arrival.ts'
import { headersRefusal } from './limits.ts'
import { logRequests, type AccessLog } from './log.ts'
import { redirectTo } from './redirect.ts'
import { give } from './serve-route.ts'
import { serve, type Traffic } from './traffic.ts'

/** What the app goes by at the moment; a reload puts another in its place. */
export interface Serving extends Traffic {
  readonly log: AccessLog
  readonly pools: ReadonlyMap<string, Pool>
  readonly hasMetrics: boolean
}

/** The way of a request through the gateway: log it, answer `/metrics` by `answerMetrics`, or hand it to a route. */
export function createApp(serving: () => Serving, answerMetrics: Middleware): Express {
  const app = express()
  app.disable('x-powered-by')
  const log = logRequests(() => serving().log)
  app.use((req, res, next) => {
    log(req, res)
    next(headersRefusal(req))
  })
  app.use((req, res, next) => {
    const port = redirectOf(req)
    if (port === undefined) return next()
    return give(redirectTo(port, req), req, res)
  })
  app.use((req, res, next) => (serving().hasMetrics ? void answerMetrics(req, res, next) : next()))
  app.use((req, res, next) => serve(serving(), req, res, next))
  app.use((_req, _res, next) => next(new HttpError(404, 'no route takes this')))
  app.use(onError)
  return app
}

/** The log gets the cause, with the worker's address; the client gets neither. */
const onError: ErrorRequestHandler = (error, req, res, _next) => {
  logFailure(req, error)
  answerError(error, req, res)
}
