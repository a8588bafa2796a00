import { createHmac } from 'node:crypto'
import type { Client } from './client.ts'
import { OptionError } from './errors.ts'
import type { Worker } from './worker.ts'

/** Sessions stay with their worker by a cookie, under any strategy. */
export interface StickyOptions {
  /** What cookies are signed with, at least 32 bytes each; of several the first signs, the others are still believed. */
  readonly secret: string | readonly string[]
  /** The cookie's name. Default `rondo`. */
  readonly name?: string
  /** The cookie's path. Default `/`. */
  readonly path?: string
  /** How long a browser keeps it, in seconds. Default as long as its session. */
  readonly maxAge?: number
}

/** A name of a cookie (RFC 6265, 4.1.1: a token), and what may stand in its path. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/

/**
 * Knows which worker a session is with, by the client's cookie alone: its value is an HMAC of the worker's id, so it
 * names a worker without saying which, nobody makes one without the secret, and any number of balancers with one
 * secret agree.
 */
export class Sticky {
  readonly name: string
  readonly #secrets: readonly string[]
  readonly #attributes: string
  /** Whom each value names, of the list of workers that was asked for last. */
  #index: ReadonlyMap<string, Worker> = new Map()
  #indexed: readonly Worker[] | undefined
  /** The values that name a worker, by secret: the first is the one that is given out. */
  readonly #values = new WeakMap<Worker, readonly string[]>()

  /** @throws OptionError for a secret that is short or missing, or what no cookie can have. */
  constructor({ secret, name = 'rondo', path = '/', maxAge }: StickyOptions) {
    const secrets: unknown = typeof secret === 'string' ? [secret] : secret
    checkSecrets(secrets)
    this.#secrets = [...secrets]
    if (typeof name !== 'string' || !TOKEN.test(name))
      throw new OptionError('sticky.name', name, 'is no name of a cookie; give letters, digits, "-" and "_"')
    if (typeof path !== 'string' || !PATH.test(path))
      throw new OptionError('sticky.path', path, 'is no path of a cookie; write it as "/"')
    if (maxAge !== undefined && (!Number.isSafeInteger(maxAge) || maxAge < 1))
      throw new OptionError('sticky.maxAge', maxAge, 'is no age; give whole seconds, 1 or more')
    this.name = name
    const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`
    this.#attributes = `; Path=${path}${age}; HttpOnly; SameSite=Lax`
  }

  /**
   * The worker among `workers`, a list that never changes, that a client's session is with; undefined without a cookie,
   * or for one of nobody's.
   */
  workerOf(client: Client, workers: readonly Worker[]): Worker | undefined {
    const value = client.cookie(this.name)
    if (value === undefined) return undefined
    if (workers !== this.#indexed) {
      this.#indexed = workers
      this.#index = new Map(
        workers.flatMap((worker) => this.#valuesOf(worker).map((value) => [value, worker])),
      )
    }
    return this.#index.get(value)
  }

  /** The `Set-Cookie` that keeps a client's session with `worker`; undefined when the client's own cookie does. */
  cookieFor(client: Client, worker: Worker): string | undefined {
    const [value] = this.#valuesOf(worker)
    if (client.cookie(this.name) === value) return undefined
    return `${this.name}=${value}${this.#attributes}${client.isSecure ? '; Secure' : ''}`
  }

  #valuesOf(worker: Worker): readonly string[] {
    let values = this.#values.get(worker)
    if (!values) {
      values = this.#secrets.map((secret) =>
        createHmac('sha256', secret).update(worker.id).digest('base64url'),
      )
      this.#values.set(worker, values)
    }
    return values
  }
}

/** What a secret must have for nobody to guess it, in bytes: as much as the hash has. */
const SECRET_BYTES = 32

/** Nothing of a secret is in the errors, whatever it was given as: they end up in logs. */
function checkSecrets(secrets: unknown): asserts secrets is readonly string[] {
  const mend = `give one of at least ${SECRET_BYTES} bytes, such as the output of "openssl rand -base64 32"`
  if (!Array.isArray(secrets) || secrets.length === 0)
    throw new OptionError(
      'sticky.secret',
      `(${Array.isArray(secrets) ? 'no entry' : typeof secrets})`,
      `is no secret; ${mend}`,
    )
  for (const secret of secrets) {
    const bytes = typeof secret === 'string' ? Buffer.byteLength(secret) : undefined
    if (bytes === undefined || bytes < SECRET_BYTES)
      throw new OptionError(
        'sticky.secret',
        `(${bytes === undefined ? typeof secret : `${bytes} bytes`})`,
        `is too short; ${mend}`,
      )
  }
}
