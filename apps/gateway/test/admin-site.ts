import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { load } from '../src/config/load.ts'
import { Gateway } from '../src/gateway.ts'
import { reload, type Reloaded } from '../src/reload.ts'
import { startWorker, type TestWorker } from './config/running.ts'

/** What the gateways of this process have logged. */
export const lines: string[] = []
console.log = (line: string) => void lines.push(line)

export const JSON_TYPE = { 'Content-Type': 'application/json' }

/** What the admin API answered. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Of JSON. */
  readonly body: unknown
}

/** A problem as RFC 9457 has it. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly errors: readonly { field: string; detail: string; line?: number; column?: number }[]
}

/** A request with a body as it stands, or as JSON, on a connection of its own. */
export function call(
  method: string,
  url: string,
  { body, headers = {} }: { body?: unknown; headers?: OutgoingHttpHeaders } = {},
): Promise<Answered> {
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'object' ? JSON_TYPE : {}
  const length = sent === undefined ? {} : { 'Content-Length': Buffer.byteLength(sent) } // else Node frames no body of a DELETE
  return new Promise((resolve, reject) => {
    const req = request(url, { method, agent: false, headers: { ...length, ...type, ...headers } }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      res.on('error', reject).on('end', () => {
        const isJson = text !== '' && /json/.test(res.headers['content-type'] ?? '')
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          text,
          body: (isJson ? JSON.parse(text) : undefined) as unknown,
        })
      })
    })
    req.on('error', reject).end(sent)
  })
}

/** A gateway of this process that goes by a file, and its admin API. */
export interface Site {
  readonly gateway: Gateway
  readonly file: string
  /** Where traffic goes. */
  readonly url: string
  /** Where the admin API is, and its port. */
  readonly admin: string
  readonly port: number
  readonly call: (
    method: string,
    path: string,
    options?: { body?: unknown; headers?: OutgoingHttpHeaders },
  ) => Promise<Answered>
  readonly write: (fields: object) => void
  readonly reload: (fields: object) => Promise<Reloaded>
}

export async function startSite(t: TestContext, fields: object, env: NodeJS.ProcessEnv = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-admin-'))
  const file = join(folder, 'rondo.yaml')
  const write = (next: object): void => writeFileSync(file, textOf(next))
  write(fields)
  const gateway = new Gateway({ file, env })
  t.after(async () => {
    await gateway.close()
    rmSync(folder, { recursive: true })
  })
  await gateway.apply((await load(file, env)).config)
  const { port = 0 } = gateway.admin ?? {}
  const admin = `http://127.0.0.1:${port}`
  return {
    gateway,
    file,
    url: `http://127.0.0.1:${gateway.listeners[0]?.port}`,
    admin,
    port,
    call: (method, path, options) => call(method, admin + path, options),
    write,
    reload: (next) => {
      write(next)
      return reload(gateway, file, env)
    },
  }
}

export function textOf(fields: object): string {
  const common = { listen: '127.0.0.1:0', admin: '127.0.0.1:0', log: 'off', shutdown: '200ms' }
  return JSON.stringify({ ...common, ...fields }, undefined, 1)
}

/** Workers by these names. */
export function startWorkers(t: TestContext, ...names: readonly string[]): Promise<TestWorker[]> {
  return Promise.all(names.map((name) => startWorker(t, name)))
}

/** The ids of the workers of a pool, in their order. */
export function idsOf(gateway: Gateway, pool = 'default'): string[] {
  return gateway.pools.get(pool)?.workers.map(({ id }) => id) ?? []
}
