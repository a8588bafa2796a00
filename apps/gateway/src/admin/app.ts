import { HttpError, metrics, OptionError } from '@rondo/balancer'
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express'
import { plain, say, saySeldom } from '../access-log.ts'
import { ConfigError } from '../config/fault.ts'
import type { Gateway } from '../gateway.ts'
import { headersRefusal } from '../limits.ts'
import { sentence, word } from '../printable.ts'
import { checkAccess } from './access.ts'
import type { Handler } from './answer.ts'
import { add, drain, remove, undrain, weigh } from './changes.ts'
import { config } from './config-view.ts'
import { healthz, readyz } from './health.ts'
import { plan } from './plan.ts'
import { faulty, Problem } from './problem.ts'
import { reload } from './reload.ts'
import { stats, worker, workers, workersOfPool } from './stats.ts'

type Method = 'get' | 'post' | 'put' | 'delete'

/** Everything that there is, by path and method; `/metrics` comes beside. */
const ROUTES: Readonly<Record<string, { readonly [method in Method]?: Handler }>> = {
  '/healthz': { get: healthz },
  '/readyz': { get: readyz },
  '/stats': { get: stats },
  '/config': { get: config },
  '/workers': { get: workers },
  '/workers/:pool': { get: workersOfPool, post: add },
  '/workers/:pool/:id': { get: worker, delete: remove },
  '/workers/:pool/:id/drain': { post: drain },
  '/workers/:pool/:id/undrain': { post: undrain },
  '/workers/:pool/:id/weight': { put: weigh },
  '/reload': { post: reload },
  '/plan': { post: plan },
}

/** They need no counts, and wait for no process. */
const PROBES = new Set(['/healthz', '/readyz'])

/** The admin API of a gateway. Errors are problems (RFC 9457); changes are logged, and who asked for them. */
export function createAdminApp(gateway: Gateway): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.enable('case sensitive routing').enable('strict routing')
  app.use((req, res, next) => {
    res.set({
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
    })
    const { admin } = gateway.config ?? {}
    if (!admin) throw new Problem(503, 'the admin API is not open') // it is about to be, or it was
    checkAccess(req, admin)
    checkExpectation(req)
    next(headersRefusal(req))
  })
  app.use(async (req, _res, next) => {
    if (!PROBES.has(req.path)) await gateway.frontend.settle()
    next()
  })

  for (const [path, handlers] of Object.entries(ROUTES)) {
    const route = app.route(path)
    for (const [method, handle] of Object.entries(handlers) as [Method, Handler][])
      route[method]((req, res) => answer(gateway, handle, req, res))
    route.all(
      refuseMethod(Object.keys(handlers).flatMap((method) => (method === 'get' ? ['get', 'head'] : method))),
    )
  }
  const answerMetrics = metrics(() => gateway.pools, { counts: () => gateway.frontend.counts() })
  app.get('/metrics', (req, res, next) => void answerMetrics(req, res, next))
  app.all('/metrics', refuseMethod(['get']))
  app.use((req) => {
    throw new Problem(404, `${JSON.stringify(req.path)} is nothing here; the API begins at /stats`)
  })
  app.use(onError())
  return app
}

async function answer(gateway: Gateway, handle: Handler, req: Request, res: Response): Promise<void> {
  const { status, body, headers = {}, done } = await handle(gateway, req, res)
  if (done !== undefined) {
    say(`admin ${plain(req.socket.remoteAddress)}: ${done}`)
    await gateway.frontend.settle() // who gets the answer may rely on it
  }
  send(res.status(status).set(headers), 'application/json', body)
}

/** With a line break, for terminals. */
function send(res: Response, type: string, body: unknown): void {
  res.set('Content-Type', type).end(`${JSON.stringify(body)}\n`)
}

/** Says what is wrong; the log hears of changes that were not made, and of a flood of these one a second. */
function onError(): ErrorRequestHandler {
  const report = saySeldom()
  return (error, req, res, _next) => {
    const problem = asProblem(error)
    if (problem.status === 500) say(`admin ${asker(req)} failed: ${sentence(String((error as Error).stack))}`)
    else if (req.method !== 'GET' && req.method !== 'HEAD')
      report(`admin ${asker(req)} was refused, ${problem.status}: ${sentence(problem.message)}`)
    if (res.headersSent) res.destroy()
    else send(res.status(problem.status).set(problem.headers), 'application/problem+json', problem)
  }
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof ConfigError) return faulty(error.faults)
  if (error instanceof HttpError)
    return new Problem(error.status, error.publicMessage, { headers: error.headers })
  if (error instanceof OptionError)
    return new Problem(422, error.message, { errors: [{ field: error.option, detail: error.reason }] })
  const { status = 500, message } = error as { status?: number; message: string }
  return new Problem(status, status >= 500 ? 'something went wrong' : message)
}

function refuseMethod(methods: readonly string[]): (req: Request) => void {
  const allowed = methods.map((method) => method.toUpperCase()).join(', ')
  return ({ method }) => {
    throw new Problem(405, `${method} is not served here; use ${allowed}`, { headers: { Allow: allowed } })
  }
}

function checkExpectation({ headers: { expect } }: Request): void {
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    throw new Problem(417, 'the expectation is not met; leave out Expect')
}

/** Who asks, and for what: a query may have anything in it. */
function asker({ socket, method, path }: Request): string {
  return `${plain(socket.remoteAddress)} "${method} ${word(path)}"`
}
