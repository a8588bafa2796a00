import { request, type OutgoingHttpHeaders } from 'node:http'
import type { Plan } from '../../src/plan.ts'
import type { Digest } from './wish.ts'
import { sorted, type Shown } from './model.ts'

export interface Answered {
  readonly status: number
  readonly text: string
}

/** A worker as `GET /workers` shows it. */
interface Seen extends Shown {
  readonly leaving: boolean
}

/** What a test reads of `GET /stats`. */
export interface Stats {
  readonly listeners: readonly { readonly url: string }[]
  readonly pools: Readonly<
    Record<
      string,
      {
        readonly requests: Readonly<Record<'active' | 'failed' | 'unattempted', number>>
        readonly workers: readonly { readonly inFlight: number }[]
      }
    >
  >
  readonly reloads: readonly { readonly at: string; readonly by: string; readonly error: string | null }[]
}

/** The admin API of a gateway, by a token that may change. */
export class Admin {
  readonly #port: number
  token: string

  constructor(port: number, token: string) {
    this.#port = port
    this.token = token
  }

  /** On a connection of its own. A body that is no text goes as JSON. */
  ask(method: string, path: string, body?: unknown, headers: OutgoingHttpHeaders = {}): Promise<Answered> {
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const given = {
      authorization: `Bearer ${this.token}`,
      ...(sent !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(sent),
      }),
      ...headers,
    }
    const all = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    return new Promise((resolve, reject) => {
      const to = { host: '127.0.0.1', port: this.#port, method, path, headers: all, agent: false as const }
      const req = request(to, (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (part: string) => (text += part))
        res.on('error', reject).on('end', () => resolve({ status: res.statusCode ?? 0, text }))
      })
      req.on('error', reject).end(sent)
    })
  }

  /** @throws Error for what is not answered 200. */
  async get(path: string): Promise<unknown> {
    const { status, text } = await this.ask('GET', path)
    if (status !== 200) throw new Error(`GET ${path} is answered ${status}: ${text}`)
    return JSON.parse(text)
  }

  /** All workers, those that are on their way out apart. */
  async workers(): Promise<{ staying: Shown[]; leaving: Seen[] }> {
    const all = (await this.get('/workers')) as Seen[]
    const staying = all
      .filter(({ leaving }) => !leaving)
      .map(({ pool, id, url, weight, draining }) => ({ pool, id, url, weight, draining }))
    return { staying: sorted(staying), leaving: all.filter(({ leaving }) => leaving) }
  }

  async stats(): Promise<Stats> {
    return (await this.get('/stats')) as Stats
  }
}

/** What a plan says, without what depends on the moment. */
export function digestOfPlan({ listeners, pools, others }: Plan): Digest {
  const keysOf = (place: string, keys: readonly { readonly key: string }[]): string[] =>
    keys.map(({ key }) => `${place} ${key}`)
  return {
    opened: listeners.opened.map(({ listener }) => listener),
    closed: listeners.closed.map(({ listener }) => listener),
    keys: [
      ...others.map(({ key }) => key),
      ...listeners.changed.flatMap(({ listener, keys }) => keysOf(listener, keys)),
      ...pools.changed.flatMap(({ pool, keys }) => keysOf(pool, keys)),
    ].toSorted(),
    workers: [
      ...pools.added.map(({ pool }) => `+ ${pool}`),
      ...pools.removed.map(({ pool }) => `- ${pool}`),
      ...[...pools.added, ...pools.changed].flatMap(({ pool, added }) =>
        added.map(({ id, url, weight }) => `+ ${pool} ${id} ${url} ${weight}`),
      ),
      ...[...pools.removed, ...pools.changed].flatMap(({ pool, drained }) =>
        drained.map(({ id, url }) => `- ${pool} ${id} ${url}`),
      ),
      ...pools.changed.flatMap(({ pool, weights }) => weights.map(({ id, to }) => `~ ${pool} ${id} ${to}`)),
    ].toSorted(),
  }
}
