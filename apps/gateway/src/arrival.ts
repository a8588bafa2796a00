import type { IncomingMessage } from 'node:http'
import type { Listen } from './config/config.ts'

const LISTEN: unique symbol = Symbol('rondo.listen')

type Arrived = IncomingMessage & { [LISTEN]?: Listen }

/** Notes by which listener a request came, where that decides how it is served. */
export function arrive(req: Arrived, listen: Listen): void {
  if (listen.redirect !== undefined || listen.tls?.clients?.forward) req[LISTEN] = listen
}

/** The port that a request is to be sent to; undefined where it is served. */
export function redirectOf(req: Arrived): number | undefined {
  return req[LISTEN]?.redirect
}

/** Whether workers are to know the client's certificate. */
export function isCertificateTold(req: Arrived): boolean {
  return req[LISTEN]?.tls?.clients?.forward === true
}
