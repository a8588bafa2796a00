import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { z } from 'zod'
import { line } from '../printable.ts'
import { CommandError } from './arguments.ts'
import type { Admin } from './find-admin.ts'

/** Within that many ms a gateway answers, or does not. */
const TIMEOUT = 10_000
/** No answer of a gateway has so many bytes. */
const MOST = 64 * 1024 * 1024

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
