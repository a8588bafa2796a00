import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { inTurn, type Opened, type Place, type Subject } from '../subject.ts'

/** fast-proxy on a plain `http.Server`, with its default client, which is Node's: one instance a backend. */
export const fastProxy: Subject = {
  name: 'fast-proxy',
  label: 'fast-proxy',
  carries: ['tls'],
  start: { kind: 'script', file: import.meta.url, package: 'fast-proxy' },
}

type Proxy = (req: IncomingMessage, res: ServerResponse, source: string | undefined, options: object) => void
type Create = (options: { readonly base: string; readonly undici?: boolean }) => { readonly proxy: Proxy }

export function open(place: Place): Opened {
  return openFastProxy(place, {})
}

/** fast-proxy in one of its modes. */
export function openFastProxy({ backends }: Place, mode: { readonly undici?: boolean }): Opened {
  const create = createRequire(import.meta.url)('fast-proxy') as Create // its types do not know `undici`
  const next = inTurn(backends.map((base) => create({ base, ...mode }).proxy))
  return { listener: (req, res) => next()(req, res, req.url, {}) }
}
