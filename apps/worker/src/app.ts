import { createServer, type Server } from 'node:http'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { closeOnAbort } from './close.ts'
import { dials, readDials } from './dials.ts'
import { echoBody } from './echo.ts'
import { sendEvents } from './events.ts'
import { isWebSocket, echoWebSockets } from './sockets.ts'
import { BadParameter } from './whole-number.ts'

export interface WorkerOptions {
  /** What the worker calls itself in its answers; by default the port it is bound to. */
  readonly name?: string
  /** Aborting it closes the server: nothing new is accepted, WebSockets are told goodbye. */
  readonly signal?: AbortSignal
  /** How long requests in flight may go on after the abort, in milliseconds. */
  readonly grace?: number
}

/** A backend to balance over. The server does not listen yet; after an abort it emits `close` when it is empty. */
export function createWorker({ name, signal, grace = 1000 }: WorkerOptions = {}): Server {
  const server = createServer(
    {
      // A gateway pools its sockets for a few seconds: the worker must never be the first to close an idle one.
      keepAliveTimeout: 65_000,
      // A slow upload is something to try out, not to cut.
      requestTimeout: 0,
      // Other upgrades (h2c) are served as the plain requests they also are.
      shouldUpgradeCallback: isWebSocket,
    },
    routes(name),
  )
  const sockets = echoWebSockets(server)
  if (signal) closeOnAbort(server, sockets, signal, grace)
  return server
}

function routes(name: string | undefined): Express {
  let sick = false
  const become = (state: boolean) => (_req: Request, res: Response) => {
    sick = state
    sendJson(res, { status: state ? 'sick' : 'ok' })
  }

  const app = express()
  app.disable('x-powered-by')
  app.disable('etag') // every answer is a full one, whatever the client has seen before
  app.use(dials)
  app.get('/health', (req, res) => {
    const { status = sick ? 503 : 200 } = readDials(req.query)
    sendJson(res.status(status), { status: sick ? 'sick' : 'ok' })
  })
  app.post('/sick', become(true))
  app.post('/well', become(false))
  app.post('/echo', echoBody)
  app.get('/events', sendEvents)
  app.use((req, res) => {
    const port = req.socket.localPort
    sendJson(res, { worker: name ?? String(port), port, method: req.method, path: req.originalUrl })
  })
  app.use(explainBadParameter)
  return app
}

/** One line of JSON, so that curl leaves the prompt on a line of its own. */
function sendJson(res: Response, body: object): void {
  res.type('json').send(`${JSON.stringify(body)}\n`)
}

function explainBadParameter(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (!(error instanceof BadParameter)) return next(error)
  const { parameter, value, mend } = error
  sendJson(res.status(400), { error: error.message, parameter, value, mend })
}
