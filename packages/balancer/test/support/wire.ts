import { readChunks, type Message } from './message.ts'
import type { RawRequest } from './raw-worker.ts'

/** What differs from one run to the next, and the name it is compared by. */
export interface Changing {
  readonly appPort: number
  readonly workerPort: number
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

/**
 * A request as lines that can be compared: the first as it stood; the headers in lower case, in alphabetical order,
 * repeated ones joined; an empty line; the body, taken out of its chunks; and trailers, after another.
 */
export function requestText({ head, headers, body }: RawRequest, changing: Changing): string {
  const [line = ''] = head.split('\r\n')
  const fields = headers.map((field): [string, string] => {
    const [, name = field, value = '?'] = /^([^\s:]+): ?(.*)$/s.exec(field) ?? []
    return [name, value]
  })
  const isChunked = headers.some((field) => /^transfer-encoding: chunked$/i.test(field))
  const chunks = isChunked ? readChunks(body) : undefined
  return text(line, fields, chunks?.body ?? body, chunks?.trailers ?? [], changing)
}

/** A response likewise. */
export function responseText({ status, reason, ...rest }: Message, changing: Changing): string {
  return text(`HTTP/1.1 ${status} ${reason}`, rest.headers, rest.body, rest.trailers, changing)
}

function text(
  line: string,
  headers: Message['headers'],
  body: string,
  trailers: Message['headers'],
  changing: Changing,
): string {
  const behind = trailers.length === 0 ? '' : `\n\n${lines(trailers, changing).join('\n')}`
  return `${[line, ...lines(headers, changing)].join('\n')}\n\n${body}${behind}`
}

function lines(fields: Message['headers'], changing: Changing): string[] {
  const joined = new Map<string, string>()
  const cookies: string[] = []
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    const before = joined.get(lower)
    if (lower === 'set-cookie') cookies.push(`set-cookie: ${value}`)
    else joined.set(lower, before === undefined ? value : `${before}, ${value}`)
  }
  if (joined.get('keep-alive') === 'timeout=5') joined.delete('keep-alive') // the hint of Node's own server
  const named = Array.from(joined, ([name, value]) => `${name}: ${lasting(name, value, changing)}`)
  return [...named, ...cookies].toSorted((a, b) => compare(nameOf(a), nameOf(b)))
}

function lasting(name: string, value: string, { appPort, workerPort }: Changing): string {
  if (name === 'connection' || name === 'upgrade') return value.toLowerCase()
  if (name === 'date' && Math.abs(Date.now() - Date.parse(value)) < 60_000) return '{now}'
  if (name === 'x-request-id' && UUID.test(value)) return '{uuid}'
  if (name === 'x-forwarded-port' && value === String(appPort)) return '{port}'
  return value.replaceAll(`127.0.0.1:${workerPort}`, '{worker}')
}

/**
 * What is expected of a message, in the same form: `usual` lines and `special` ones, which take the place of usual
 * lines of their name; `!name` takes a usual line away.
 */
export function expected(
  line: string,
  usual: readonly string[],
  special: readonly string[],
  body: string,
  trailers: readonly string[] = [],
): string {
  const taken = new Set(special.map((field) => nameOf(field).replace('!', '')))
  const all = [
    ...usual.filter((field) => !taken.has(nameOf(field))),
    ...special.filter((field) => !field.startsWith('!')),
  ]
  const sorted = all.toSorted((a, b) => compare(nameOf(a), nameOf(b)))
  const behind = trailers.length === 0 ? '' : `\n\n${trailers.join('\n')}`
  return `${[line, ...sorted].join('\n')}\n\n${body}${behind}`
}

function nameOf(field: string): string {
  return field.split(':', 1)[0] as string
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
