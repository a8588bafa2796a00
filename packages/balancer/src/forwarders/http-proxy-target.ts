import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Worker } from '../worker.ts'

/** What http-proxy-middleware takes for a target, made anew for each attempt: by it, late events are told apart. */
export interface Target {
  readonly protocol: string
  readonly host: string
  readonly hostname: string
  readonly port: number
}

export function toTarget(worker: Worker): Target {
  const { host, hostname, port, isSecure } = worker
  return { protocol: isSecure ? 'https:' : 'http:', host, hostname, port }
}

/** Keeps http-proxy-middleware from destroying the client's response along with a worker's that is not passed on. */
export function disown(response: IncomingMessage): void {
  response.removeAllListeners('close')
  response.removeAllListeners('error').on('error', () => {})
}

/** Takes a worker's head off a response that somebody else will write. */
export function takeBack(res: ServerResponse, { headers }: IncomingMessage): void {
  for (const name of Object.keys(headers)) res.removeHeader(name)
  res.statusCode = 200
  res.statusMessage = ''
}
