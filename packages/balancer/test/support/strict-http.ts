/**
 * HTTP/1.1 as RFC 9112 has it and no more: a reference to hold the balancer to. What RFC 9112 lets a recipient mend, such
 * as a bare LF, is `bad` here, for another recipient may mend it otherwise. Texts are bytes in latin1.
 */
export interface StrictRequest {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  readonly body: string
  /** Why it must be refused, though everybody sees where it ends. */
  readonly unfit: string | undefined
}

export interface StrictResponse {
  readonly status: number
  /** Of the responses before the final one. */
  readonly interims: readonly number[]
  readonly fields: Fields
  readonly body: string
}

export type Fields = readonly (readonly [name: string, value: string])[]

/**
 * How a reading ends: at the end of a message; within one; where the bytes are no HTTP, or could be read in two ways; or
 * behind a message that closes its connection.
 */
export type End = 'whole' | 'cut' | 'bad' | 'closed'

export interface Requests {
  readonly requests: readonly StrictRequest[]
  readonly end: End
  /** What is bad. */
  readonly why: string
  /** The request whose head is good, but whose body is cut or bad: `body` is what there is of it. */
  readonly partial: StrictRequest | undefined
  /** What follows the last whole request. */
  readonly rest: string
}

/** Reads all requests of a connection. */
export function readRequests(text: string): Requests {
  const cursor = new Cursor(text)
  const requests: StrictRequest[] = []
  let from = 0
  let partial: StrictRequest | undefined
  const ends = (end: End, why = ''): Requests => ({ requests, end, why, partial, rest: text.slice(from) })
  try {
    for (;;) {
      partial = undefined
      cursor.skipLines()
      if (cursor.at === text.length) return ends('whole')
      const head = readRequestHead(cursor)
      const length = framing(head.fields)
      const chunks: string[] = []
      partial = {
        ...head,
        get body() {
          return chunks.join('')
        },
      }
      const trailers = cursor.body(length ?? 0, chunks)
      if (trailers.includes('content-length') || trailers.includes('transfer-encoding'))
        throw new Bad('framing behind a body') // RFC 9110, 6.5.1; behind a response it is dropped
      requests.push(partial)
      partial = undefined
      from = cursor.at
      if (closes(head.fields, head.version)) return ends('closed')
    }
  } catch (error) {
    if (error instanceof Cut) return ends('cut')
    if (error instanceof Bad) return ends('bad', error.message)
    throw error
  }
}

export interface Response {
  /** If it is whole, or lasts to the end of the connection. */
  readonly response: StrictResponse | undefined
  readonly end: Exclude<End, 'closed'>
  readonly why: string
  readonly rest: string
}

/**
 * Reads the response to one request; `ended` tells whether the connection was ended behind `text`, and not broken,
 * `maySwitch` whether the request asked for another protocol.
 */
export function readResponse(text: string, method: string, ended: boolean, maySwitch = false): Response {
  const cursor = new Cursor(text)
  const interims: number[] = []
  const chunks: string[] = []
  try {
    for (;;) {
      cursor.skipLines()
      const [, digits] = cursor.match(/^HTTP\/1\.[01] ([1-9]\d\d)(?: .*)?$/s) // nobody reads a reason
      const status = Number(digits)
      const fields = cursor.fields()
      if (status === 101 && !maySwitch) throw new Bad('101 unasked')
      if (status === 101) {
        const response = { status, interims, fields, body: '' }
        return { response, end: 'whole', why: '', rest: text.slice(cursor.at) }
      }
      if (status < 200) {
        interims.push(status)
        continue
      }
      const length = framing(fields)
      const isEmpty = method === 'HEAD' || status === 204 || status === 304
      if (isEmpty || length !== undefined) cursor.body(isEmpty ? 0 : (length ?? 0), chunks)
      else if (ended) chunks.push(cursor.take(text.length - cursor.at))
      else throw new Cut()
      const response = { status, interims, fields, body: chunks.join('') }
      return { response, end: 'whole', why: '', rest: text.slice(cursor.at) }
    }
  } catch (error) {
    if (!(error instanceof Cut || error instanceof Bad)) throw error
    const end = error instanceof Cut ? 'cut' : 'bad'
    return { response: undefined, end, why: error.message, rest: text.slice(cursor.at) }
  }
}

/** All values of a field. */
export function valuesOf(fields: Fields, name: string): string[] {
  return fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
}

class Cut extends Error {}
class Bad extends Error {}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const HOST = /^([\w.~!$&'()*+,;=%-]*|\[[\da-f:.]+\])(:\d*)?$/i
const CHUNK = /^([\da-f]+)(?:;[\t\x20-\x7e\x80-\xff]*)?$/i // nobody reads an extension

function readRequestHead(cursor: Cursor): Omit<StrictRequest, 'body'> & { version: number } {
  const [, method = '', target = '', minor] = cursor.match(/^(\S+) +([\x21-\x7e]+) +HTTP\/1\.([01])$/)
  const fields = cursor.fields()
  const version = Number(minor)
  if (!TOKEN.test(method)) throw new Bad('the method is no token')
  if (method === 'CONNECT') throw new Bad('what follows a CONNECT is no HTTP')
  if (version === 0 && valuesOf(fields, 'transfer-encoding').length > 0) throw new Bad('a coding in HTTP/1.0')
  return { method, target, fields, version, unfit: hostFault(fields, version) }
}

/** What is wrong with the Host (RFC 9112, 3.2). */
function hostFault(fields: Fields, version: number): string | undefined {
  const [host, ...hosts] = valuesOf(fields, 'host')
  if (host === undefined) return version === 1 ? 'no Host' : undefined
  if (hosts.length > 0) return 'two Hosts'
  return HOST.test(host) ? undefined : 'a Host that is none'
}

/** The length of a body, if it is told (RFC 9112, 6). */
function framing(fields: Fields): number | 'chunked' | undefined {
  const [length, ...lengths] = valuesOf(fields, 'content-length')
  const codings = valuesOf(fields, 'transfer-encoding')
  if (codings.length > 0) {
    if (length !== undefined) throw new Bad('a length and a coding')
    if (codings.join().toLowerCase() !== 'chunked') throw new Bad('a coding that is not chunked')
    return 'chunked'
  }
  if (length === undefined) return undefined
  if (lengths.length > 0 || !/^\d+$/.test(length)) throw new Bad('the length is none')
  return Number(length)
}

function closes(fields: Fields, version: number): boolean {
  const tokens = valuesOf(fields, 'connection').flatMap((value) => value.toLowerCase().split(/[\t ]*,[\t ]*/))
  return tokens.includes('close') || (version === 0 && !tokens.includes('keep-alive'))
}

class Cursor {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Empty lines before a message, which nobody takes for one (RFC 9112, 2.2). */
  skipLines(): void {
    while (/[\r\n]/.test(this.#text[this.at] ?? '')) this.at++
  }

  /** Exactly so many bytes. */
  take(length: number): string {
    const taken = this.#text.slice(this.at, this.at + length)
    this.at += taken.length
    if (taken.length < length) throw new Cut()
    return taken
  }

  line(): string {
    const end = this.#text.slice(this.at).search(/[\r\n]/)
    if (end < 0) throw new Cut()
    const line = this.take(end)
    this.crlf()
    return line
  }

  crlf(): void {
    const [cr, lf] = [this.#text[this.at], this.#text[this.at + 1]]
    if ((cr ?? '\r') !== '\r' || (lf ?? '\n') !== '\n') throw new Bad('no CRLF')
    this.take(2)
  }

  match(pattern: RegExp): RegExpExecArray {
    const line = this.line()
    const match = pattern.exec(line)
    if (!match) throw new Bad(`the line ${JSON.stringify(line.slice(0, 80))}`)
    return match
  }

  fields(): Fields {
    const fields: [string, string][] = []
    for (let line = this.line(); line !== ''; line = this.line()) {
      const colon = line.indexOf(':')
      const value = line.slice(colon + 1).replaceAll(/^[\t ]+|[\t ]+$/g, '')
      if (colon < 0 || !TOKEN.test(line.slice(0, colon)) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
        throw new Bad(`the field ${JSON.stringify(line.slice(0, 80))}`)
      fields.push([line.slice(0, colon), value])
    }
    return fields
  }

  /** Adds a body to `into`, as far as it goes, and returns the names of what trails it. */
  body(length: number | 'chunked', into: string[]): string[] {
    const part = (size: number): void => {
      into.push(this.#text.slice(this.at, this.at + size))
      this.take(size)
    }
    if (length !== 'chunked') {
      part(length)
      return []
    }
    for (;;) {
      const size = Number.parseInt(this.match(CHUNK)[1] ?? '', 16)
      if (size === 0) return this.fields().map(([name]) => name.toLowerCase())
      part(size)
      this.crlf()
    }
  }
}
