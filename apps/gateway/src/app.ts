import { answerError, metrics, type LoadBalance, type Pool } from '@rondo/balancer'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { accessLog, logFailure } from './access-log.ts'
import { headersRefusal } from './limits.ts'

/** The way of a request through the gateway: log it, answer `/metrics`, or hand it to a worker. */
export function createApp(pool: Pool, balance: LoadBalance): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(accessLog())
  app.use((req, _res, next) => next(headersRefusal(req)))
  app.use(metrics(pool))
  app.use(balance)
  app.use(onError)
  return app
}

/** The log gets the cause, with the worker's address; the client gets neither. */
const onError: ErrorRequestHandler = (error, req, res, _next) => {
  logFailure(req, error)
  answerError(error, req, res)
}
