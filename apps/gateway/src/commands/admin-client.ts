import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { ADMIN, readAddress, type Address } from '../config/config.ts'
import { ConfigError, lineOf } from '../config/fault.ts'
import { readSource } from '../config/source.ts'
import { line } from '../printable.ts'
import { CommandError } from './arguments.ts'

/** Within that many ms a gateway answers, or does not. */
const TIMEOUT = 10_000
/** No answer of a gateway has so many bytes. */
const MOST = 64 * 1024 * 1024

/** The admin API of a gateway. */
export interface Admin {
  readonly url: URL
  readonly token: string | undefined
}

/** What the admin API has against a request, as RFC 9457 has it. */
const problemSchema = z.object({
  detail: z.string().catch(''),
  errors: z
    .array(
      z.object({
        field: z.string(),
        detail: z.string(),
        line: z.number().optional(),
        column: z.number().optional(),
      }),
    )
    .catch([]),
})

/** An answer of 422: what is wrong with what was sent. */
export class Refused extends CommandError {
  readonly problem: z.output<typeof problemSchema>

  constructor(problem: z.output<typeof problemSchema>) {
    super(line(problem.detail))
    this.problem = problem
  }
}

/**
 * Where the admin API is, and its token: by the options, else by `RONDO_ADMIN` and `RONDO_TOKEN`, else by what a config
 * file says. Variables that the file names count only where they are needed.
 * @throws CommandError for an address that is none, and for a variable that is not set.
 */
export function adminBy(
  options: { readonly admin?: string | undefined; readonly token?: string | undefined },
  env: NodeJS.ProcessEnv,
  text = '',
): Admin {
  const place = options.admin ?? (env['RONDO_ADMIN'] || undefined)
  const token = options.token ?? (env['RONDO_TOKEN'] || undefined)
  if (token !== undefined && /[^!-~]/.test(token))
    throw new CommandError('the token has characters that no header carries; give it as the gateway has it')
  const isSaid = place !== undefined && token !== undefined
  const file = isSaid ? {} : adminIn(text, env, { listen: place === undefined, token: token === undefined })
  return { url: toUrl(place ?? file.listen ?? ADMIN), token: token ?? file.token }
}

/** Asks for what is at a path, or sends a body there. @throws Refused, and CommandError for all else that goes wrong. */
export async function ask(
  admin: Admin,
  path: string,
  body?: { type: string; text: string },
): Promise<unknown> {
  const { origin } = admin.url
  const { status, text } = await exchange(admin, path, body).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(`${origin} ${unreachable(error)}`)
  })
  const answer = parsed(text)
  const problem = problemSchema.safeParse(answer).data
  const detail = problem?.detail ?? ''
  if (status === 401)
    throw new CommandError(
      admin.token === undefined
        ? `${origin} asks for a token; give it with --token, or as RONDO_TOKEN`
        : `${origin} does not take this token; give its own with --token, or as RONDO_TOKEN`,
    )
  if (status === 403)
    throw new CommandError(
      line(
        `${origin} refuses this: ${detail || 'status 403'}; name it as it names itself, as --admin http://127.0.0.1:8081`,
      ),
    )
  if (status === 422 && problem) throw new Refused(problem)
  if (status !== 200 && detail !== '' && status !== 404)
    throw new CommandError(line(`${origin} answered ${status}: ${detail}`))
  if (status !== 200 || typeof answer !== 'object' || answer === null) throw noRondo(admin)
  return answer
}

/** For what answers, and not as a gateway does. */
export function noRondo({ url }: Admin): CommandError {
  return new CommandError(
    `${url.origin} is no admin API of a Rondo gateway; name that with --admin, as http://127.0.0.1:8081`,
  )
}

async function exchange(
  { url, token }: Admin,
  path: string,
  body: { type: string; text: string } | undefined,
): Promise<{ status: number; text: string }> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const req = request(
    new URL(url.pathname.replace(/\/$/, '') + path, url),
    {
      method: body ? 'POST' : 'GET',
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT),
      headers: {
        Accept: 'application/json',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(body && { 'Content-Type': body.type, 'Content-Length': Buffer.byteLength(body.text) }),
      },
    },
    (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (text.length > MOST) res.destroy(new Error('its answer has no end'))
      })
      res.on('error', reject).on('end', () => resolve({ status: res.statusCode ?? 0, text }))
    },
  )
  req.on('error', reject).end(body?.text)
  return promise
}

function unreachable({ code = '', name, message }: NodeJS.ErrnoException): string {
  const mend = 'is the gateway running, with its admin API on? Name another address with --admin'
  if (code === 'ECONNREFUSED') return `cannot be reached: nobody listens there; ${mend}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `cannot be reached: there is no such host; ${mend}`
  if (name === 'AbortError' || name === 'TimeoutError')
    return `did not answer within ${TIMEOUT / 1000} s; ${mend}`
  if (code.startsWith('HPE_') || code === 'EPROTO') return `does not answer as HTTP; ${mend}`
  if (/CERT|SIGNATURE|ISSUER/.test(code))
    return `is not trusted: ${line(message)}; give its authority as NODE_EXTRA_CA_CERTS, a file`
  return `cannot be reached: ${line(message)}; ${mend}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `http://127.0.0.1:8081`, or a part of that: `127.0.0.1:8081`, `8081`. */
function toUrl(place: string): URL {
  const address = readAddress(place)
  const text = address ? `http://${hostOf(address)}:${address.port}` : place
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new CommandError(
      `--admin: ${JSON.stringify(place)} is no address; write it as http://127.0.0.1:8081`,
    )
  return new URL(text)
}

/** Who listens on all addresses is asked at the one that every machine has. */
function hostOf({ host }: Address): string {
  if (host === undefined || host === '0.0.0.0') return '127.0.0.1'
  if (!host.includes(':')) return host
  return host === '::' ? '[::1]' : `[${host}]`
}

/**
 * What a config file says of the admin API, however wrong the rest of it is. Of its variables only those of `wanted`
 * parts have to be set.
 */
function adminIn(
  text: string,
  env: NodeJS.ProcessEnv,
  wanted: { readonly listen: boolean; readonly token: boolean },
): { listen?: string; token?: string } {
  const { listen, token } = said(text)
  const admin = {
    listen: wanted.listen && listen !== 'off' ? placeIn(listen) : undefined,
    token: wanted.token ? [token].flat()[0] : undefined,
  }
  const source = readSource(stringify({ admin }), env)
  const [fault] = source.faults
  if (fault)
    throw new CommandError(
      `${lineOf('', { ...fault, line: undefined })}; or say where the gateway is with --admin and --token`,
    )
  const read = (source.value as { admin: typeof admin }).admin
  return {
    ...(isText(read.listen) && { listen: String(read.listen) }),
    ...(isText(read.token) && { token: String(read.token) }),
  }
}

/** The key `admin` of a file, with its shorthand written out; nothing where the file is not even YAML. */
function said(text: string): { readonly listen?: unknown; readonly token?: unknown } {
  try {
    const { admin } = parse(text, { logLevel: 'silent' }) as { admin?: unknown }
    return typeof admin === 'object' && admin !== null ? admin : { listen: admin }
  } catch {
    return {}
  }
}

/** The address of a listener that has more than that. */
function placeIn(listen: unknown): unknown {
  if (typeof listen !== 'object' || listen === null || !('port' in listen)) return listen
  const { port, host, tls } = listen as { port: unknown; host?: string; tls?: unknown }
  return `${tls === undefined ? 'http' : 'https'}://${hostOf({ host, port: 0 })}:${String(port)}`
}

function isText(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

/** The faults of a config file that a gateway has found, as `rondo check` says them. */
export function faultsOf(file: string, { problem }: Refused): ConfigError | undefined {
  if (problem.errors.length === 0) return undefined
  return new ConfigError(
    file,
    problem.errors.map((error) => ({
      path: line(error.field),
      line: error.line,
      column: error.column,
      message: line(error.detail),
    })),
  )
}
