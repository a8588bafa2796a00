import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { served, type Trust } from '@rondo/balancer'
import type { Entry } from './access-log.ts'
import { isCertificateTold } from './arrival.ts'
import { tellCertificate } from './client-cert.ts'
import type { Route } from './config/route-schema.ts'
import type { Running } from './pools.ts'
import type { Router } from './routes.ts'
import { give, giveUpgrade, NOWHERE, ownAnswer, prepare } from './serve-route.ts'

/** What requests are served by at the moment. */
export interface Traffic {
  readonly router: Router
  /** By name, the pools that routes lead to. */
  readonly running: ReadonlyMap<string, Running>
  /** Whose word on where a request comes from is believed; undefined for nobody's. */
  readonly trust: Trust | undefined
}

/** Serves a request by its route; `next` gets those that no route takes, and errors. */
export function serve(
  traffic: Traffic,
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
): void {
  const route = routeOf(traffic, req)
  if (!route) return next()
  const answer = ownAnswer(req, route)
  if (answer) return give(answer, req, res)
  prepare(req, route)
  return void balanceOf(traffic, route)?.(req, res, next)
}

/** The same for an upgrade; resolves with the status that it was answered, if known, when its connection has closed. */
export async function serveUpgrade(
  traffic: Traffic,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<Entry['status']> {
  const route = routeOf(traffic, req)
  const answer = route ? ownAnswer(req, route) : NOWHERE
  if (answer) {
    giveUpgrade(answer, req, socket as Socket)
    return answer.status
  }
  prepare(req, route as Route)
  await balanceOf(traffic, route as Route)?.upgrade(req, socket, head)
  return served(req)?.status
}

/** Who the client has shown to be is told first: a route may ask for it. */
function routeOf({ router, trust }: Traffic, req: IncomingMessage): Route | undefined {
  tellCertificate(req, isCertificateTold(req), trust)
  return router(req)
}

function balanceOf({ running }: Traffic, { pool }: Route): Running['balance'] | undefined {
  return running.get(pool as string)?.balance
}
