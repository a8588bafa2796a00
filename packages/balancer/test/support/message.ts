/** One HTTP response as it stood on the wire, in latin1. */
export interface Message {
  readonly status: number
  readonly reason: string
  /** As sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly trailers: Message['headers']
  /** The bytes behind it. */
  readonly rest: string
}

/**
 * Reads the first response from `text`; undefined while it is not whole. A response without a length is whole
 * once the connection has `ended`. An interim response is a response of its own.
 */
export function readMessage(text: string, { head = false, ended = false } = {}): Message | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [line = '', ...lines] = text.slice(0, end).split('\r\n')
  const [, status, reason = ''] = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/s.exec(line) ?? []
  if (status === undefined) throw new Error(`not a response: ${JSON.stringify(text.slice(0, 100))}`)
  const headers = readFields(lines)
  const body = readBody(text.slice(end + 4), Number(status), headers, head, ended)
  return body && { status: Number(status), reason, headers, trailers: [], ...body }
}

function readFields(lines: readonly string[]): Message['headers'] {
  return lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
}

/** All values of a header, joined; undefined if it isn't there. */
export function header(message: Pick<Message, 'headers'>, name: string): string | undefined {
  const values = message.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

function readBody(
  text: string,
  status: number,
  headers: Message['headers'],
  head: boolean,
  ended: boolean,
): (Pick<Message, 'body' | 'rest'> & Partial<Message>) | undefined {
  if (head || status < 200 || status === 204 || status === 304) return { body: '', rest: text }
  if (header({ headers }, 'transfer-encoding') === 'chunked') return readChunks(text)
  const length = header({ headers }, 'content-length')
  if (length === undefined) return ended ? { body: text, rest: '' } : undefined
  if (text.length < Number(length)) return undefined
  return { body: text.slice(0, Number(length)), rest: text.slice(Number(length)) }
}

/** Reads a body in chunks from the start of `text`; undefined while it is not whole. */
export function readChunks(text: string): Pick<Message, 'body' | 'trailers' | 'rest'> | undefined {
  let body = ''
  let at = 0
  for (;;) {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return undefined
    const size = Number.parseInt(text.slice(at, end), 16)
    at = end + 2
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', at - 2)
      if (end < 0) return undefined
      const trailers = end < at ? [] : readFields(text.slice(at, end).split('\r\n'))
      return { body, trailers, rest: text.slice(end + 4) }
    }
    if (text.length < at + size + 2) return undefined
    body += text.slice(at, at + size)
    at += size + 2
  }
}
