import * as fc from 'fast-check'
import { changed } from './byte-changes.ts'

const REQUEST_TOKENS = [
  'Host: other.test\r\n|Host:\r\n|Expect: 100-continue\r\n|Expect: x\r\n|TE: trailers\r\n',
  'Connection: Upgrade\r\nUpgrade: websocket\r\n|Max-Forwards: 0\r\n|X-Forwarded-For: 6.6.6.6\r\n',
  'GET /smuggled HTTP/1.1\r\nHost: smuggled.test\r\n\r\n|GET http://other.test/smuggled HTTP/1.1\r\n',
].flatMap((row) => row.split('|'))
const RESPONSE_TOKENS = [
  'HTTP/1.1 200 OK\r\nX-Answered: poison\r\nContent-Length: 6\r\n\r\npoison|HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n|HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n|101|204|304|099',
  'Set-Cookie: a=b\r\n|Keep-Alive: timeout=1\r\n|Content-Type: text/event-stream\r\n',
].flatMap((row) => row.split('|'))

/** One of these, which are apart by a bar; who is there twice comes twice as often. */
function oneOf(all: string): fc.Arbitrary<string> {
  return fc.constantFrom(...all.split('|'))
}

const body = fc.oneof(
  fc.constantFrom('', 'x', '0\r\n\r\n', 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n', 'x'.repeat(5000)),
  fc.string({ unit: 'binary-ascii', maxLength: 40 }).map((text) => text.replaceAll('$', '_')),
)

/** A body with the headers that frame it: mostly well, else in ways that only look so. */
const framed = fc
  .tuple(body, fc.nat({ max: 29 }), fc.integer({ min: 1, max: 50 }), oneOf('||||||;a|;a=b;c="d"| |;'))
  .map(([text, how, size, extension]): readonly [fields: string, body: string] => {
    const length = `Content-Length: ${text.length}\r\n`
    const coding = 'Transfer-Encoding: chunked\r\n'
    const end = how % 4 === 0 ? '0\r\nX-Sum: 1\r\n\r\n' : '0\r\n\r\n'
    const chunks = (text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []).map(
      (chunk) => `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`,
    )
    if (how < 8) return ['', '']
    if (how < 17) return [length, text]
    if (how < 26) return [coding, chunks.join('') + end]
    if (how === 26) return [length + coding, chunks.join('') + end]
    if (how === 27) return [`Content-Length: ${text.length + 1}\r\n${length}`, text]
    if (how === 28) return [`Content-Length: ${text.length + size}\r\n`, text]
    return ['', text]
  })

const fields = fc
  .array(
    fc.oneof(
      oneOf('Accept: */*|X-Any: 1|X-Any: 2|X-Empty:|Cookie: a=b|Vary: x|Date: now|TE: trailers|Via: 1.0 x'),
      oneOf(
        'Connection: keep-alive|Connection: x-any|X-Long: 0123456789|Connection: Upgrade\r\nUpgrade: h2c',
      ),
      fc.string({ maxLength: 20 }).map((value) => `X-Any: ${value}`),
    ),
    { maxLength: 4 },
  )
  .map((lines) => lines.map((line) => `${line}\r\n`).join(''))

/** `$` stands for what tells one message from all others. */
const request = fc
  .record({
    method: oneOf('GET|GET|GET|POST|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|TRACE|CONNECT'),
    target: oneOf('/$|/$|/$|/$?a=b|//$|/$/../%zz|http://other.test/$|http://other.test?$'),
    version: fc.nat(29).map((n) => ['1.0', '1.0', '0.9', '2.0'][n] ?? '1.1'),
    host: oneOf('example.test|example.test|[::1]:80|x'),
    fields,
    framed,
  })
  .map(({ method, target, version, host, fields, framed: [framing, body] }) =>
    [`${method} ${target} HTTP/${version}\r\nHost: ${host}\r\n${fields}${framing}\r\n`, body].join(''),
  )

const response = fc
  .record({
    interim: oneOf('||||HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n|HTTP/1.1 102 X\r\n\r\n'),
    start: oneOf('1.1 200 OK|1.1 200 OK|1.1 200 |1.0 200 OK|1.1 404 No|1.1 204 X|1.1 304 X|1.1 999 ?'),
    fields,
    framed,
    leftover: fc.constantFrom('', '', '', '', '', '\r\n', 'x', ...RESPONSE_TOKENS),
  })
  .map(({ interim, start, fields, framed: [framing, body], leftover }) =>
    [interim, `HTTP/${start}\r\nX-Answered: $\r\n${fields}${framing}\r\n`, body, leftover].join(''),
  )

/** Agrees to a WebSocket, or seems to. */
const agreement = fc
  .record({
    interim: oneOf('||||HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n|HTTP/1.1 102 X\r\n\r\n'),
    start: oneOf('1.1 101 Switching Protocols|1.1 101 OK|1.1 101 '),
    connection: oneOf(
      'Connection: Upgrade|Connection: Upgrade|connection:keep-alive, upgrade|Connection: close|X: y',
    ),
    upgrade: oneOf('Upgrade: websocket|Upgrade: websocket|upgrade:WebSocket|Upgrade: h2c|X: y'),
    framing: oneOf('|||||Content-Length: 3\r\n|Content-Length: 0\r\n|Transfer-Encoding: chunked\r\n'),
    fields,
    behind: fc.constantFrom('', '', '\x81\x02hi', '3\r\nabc\r\n0\r\n\r\n', ...RESPONSE_TOKENS),
  })
  .map(({ interim, start, connection, upgrade, framing, fields, behind }) =>
    [interim, `HTTP/${start}\r\n${connection}\r\n${framing}${upgrade}\r\n${fields}\r\n`, behind].join(''),
  )

/** What clients may send over one connection. */
export const requests = changed(request, 3, REQUEST_TOKENS)

/** What workers may answer to one request. */
export const responses = changed(response, 1, RESPONSE_TOKENS)

/** What workers may answer to a handshake. */
export const handshakes = changed(fc.oneof(agreement, agreement, response), 1, RESPONSE_TOKENS)
