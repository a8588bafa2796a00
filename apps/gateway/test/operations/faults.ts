import type { OutgoingHttpHeaders } from 'node:http'

/** A request that the admin API must refuse, and by which status. */
export interface Refused {
  readonly status: number
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: OutgoingHttpHeaders
}

/** Changes of nothing, since something is wrong with them. */
export function refusals(id: string): readonly Refused[] {
  const add = { method: 'POST', path: '/workers/plain' }
  const one = `/workers/plain/${id}`
  const worker = { url: 'http://127.0.0.1:1' }
  return [
    { ...add, status: 400, body: '{' },
    { ...add, status: 422, body: {} },
    { ...add, status: 422, body: [] },
    { ...add, status: 422, body: { url: 'ftp://127.0.0.1:1' } },
    { ...add, status: 422, body: { ...worker, weight: 0 } },
    { ...add, status: 422, body: { ...worker, weight: '2' } },
    { ...add, status: 422, body: { ...worker, colour: 'red' } },
    { ...add, status: 409, body: { url: `http://${id}` } },
    { ...add, status: 415, body: worker, headers: { 'content-type': 'text/plain' } },
    { ...add, status: 413, body: { url: 'x'.repeat(70_000) } },
    { ...add, status: 404, path: '/workers/nowhere', body: worker },
    { status: 422, method: 'PUT', path: `${one}/weight`, body: { weight: -1 } },
    { status: 422, method: 'PUT', path: `${one}/weight`, body: {} },
    { status: 422, method: 'POST', path: `${one}/drain`, body: { timeout: 'soon' } },
    { status: 422, method: 'DELETE', path: one, body: { sessions: 'perhaps' } },
    { status: 422, method: 'POST', path: `${one}/undrain`, body: { now: true } },
    { status: 404, method: 'DELETE', path: '/workers/plain/nobody' },
    { status: 405, method: 'PATCH', path: '/workers' },
    { status: 422, method: 'POST', path: '/plan', body: '' },
    { status: 422, method: 'POST', path: '/plan', body: { listen: 'nowhere' } },
    { status: 422, method: 'POST', path: '/reload', body: { now: true } },
  ]
}

/** What would be done, were it asked for by whom it may be. */
export function intrusions(id: string, retired: readonly string[]): readonly Refused[] {
  const deeds = [
    { method: 'DELETE', path: `/workers/plain/${id}` },
    { method: 'POST', path: `/workers/plain/${id}/drain` },
    { method: 'PUT', path: `/workers/plain/${id}/weight`, body: { weight: 100 } },
    { method: 'POST', path: '/workers/plain', body: { url: 'http://127.0.0.1:1' } },
    { method: 'POST', path: '/reload' },
    { method: 'GET', path: '/config' },
  ]
  const none = { authorization: undefined } as unknown as OutgoingHttpHeaders
  const wrong = [
    'Bearer no-token-of-the-gateway',
    'Basic Zm9vOmJhcg==',
    ...retired.map((one) => `Bearer ${one}`),
  ]
  return deeds.flatMap((deed) => [
    { ...deed, status: 401, headers: none },
    ...wrong.map((authorization) => ({ ...deed, status: 401, headers: { authorization } })),
    { ...deed, status: 403, headers: { origin: 'https://elsewhere.test' } },
    { ...deed, status: 403, headers: { host: 'elsewhere.test' } },
    { ...deed, status: 403, headers: { 'sec-fetch-site': 'cross-site' } },
  ])
}

/** Files that no gateway goes by. */
export const BROKEN: readonly string[] = [
  '{',
  'listen: [',
  'listen: nowhere\n',
  'stategy: round-robin\n',
  'workers: []\n',
  'workers: [ftp://127.0.0.1:1]\n',
  'pools: { a: { workers: [http://127.0.0.1:1] } }\nroutes: [{ pool: b }]\n',
  'workers: ["http://127.0.0.1:${NOWHERE_TO_BE_FOUND}"]\n',
  'listen: { port: 0, tls: { cert: nowhere.pem, key: nowhere.key } }\n',
  'listen: 203.0.113.1:80\n', // no address of this machine
]
