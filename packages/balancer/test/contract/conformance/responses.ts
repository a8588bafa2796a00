import { answered, asked, got, GOOD, GOOD_AND_CLOSED, type Row } from '../../support/conformance.ts'
import type { Lack } from '../../support/forwarders.ts'
import { head } from '../../support/hostile.ts'

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'

/** Where responses end, for clients of either version (RFC 9110, 8.6 and 15; RFC 9112, 6 and 7). */
export function responses(lacks: ReadonlySet<Lack>): Row[] {
  return [...bodies(), ...nothing(), ...old(), ...lines(lacks)]
}

function bodies(): Row[] {
  const chunked = ['transfer-encoding: chunked']
  const part = 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-2/4\r\nContent-Length: 2\r\n\r\nbc'
  return [
    got(
      'a body of length 0 is one',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      answered('200 OK', ['content-length: 0']),
    ),
    got(
      'chunks stay chunks, and lose their extensions',
      `${CHUNKED}\r\n3;a=b\r\nabc\r\n00B;c="d"\r\n0123456789x\r\n0;z\r\n\r\n`,
      answered('200 OK', chunked, 'abc0123456789x'),
    ),
    got('a body of no chunks is none', `${CHUNKED}\r\n0\r\n\r\n`, answered('200 OK', chunked)),
    got(
      'a body without a length goes on in chunks',
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'),
      answered('200 OK', chunked, 'to the end'),
    ),
    got(
      'a body of HTTP/1.0 without a length goes on in chunks of HTTP/1.1',
      (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nto the end'),
      answered('200 OK', chunked, 'to the end'),
    ),
    [
      'a range and its part pass as they are',
      head('GET /x', 'Range: bytes=1-2', 'If-Range: "e"'),
      part,
      [asked('GET /x', ['if-range: "e"', 'range: bytes=1-2'])],
      [answered('206 Partial Content', ['content-length: 2', 'content-range: bytes 1-2/4'], 'bc')],
    ],
    [
      'a range that cannot be had is told of as it is',
      head('GET /x', 'Range: bytes=9-'),
      'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n',
      [asked('GET /x', ['range: bytes=9-'])],
      [answered('416 Range Not Satisfiable', ['content-length: 0', 'content-range: bytes */4'])],
    ],
    [
      'conditions, cookies, encodings and caches are nothing to the balancer',
      head(
        'GET /x',
        'If-None-Match: "e"',
        'Cookie: a=1; b=2',
        'Accept-Encoding: gzip, br',
        'Cache-Control: no-cache',
      ),
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: W/"e"\r\nAge: 5\r\nContent-Length: 2\r\n\r\n\x1f\x8b',
      [
        asked('GET /x', [
          'accept-encoding: gzip, br',
          'cache-control: no-cache',
          'cookie: a=1; b=2',
          'if-none-match: "e"',
        ]),
      ],
      [
        answered(
          '200 OK',
          ['age: 5', 'content-encoding: gzip', 'content-length: 2', 'etag: W/"e"'],
          '\x1f\x8b',
        ),
      ],
    ],
    got(
      'a length that is said twice alike is one length, or a fault',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
      /^HTTP\/1\.1 (200 OK\n(.*\n)*content-length: 2\n(.*\n)*\nok$|502 )/,
    ),
    ...[
      ['a length', 'Content-Length: 2\r\n\r\nok'],
      ['chunks', 'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ].map(([what, end = '']) =>
      got(
        `${what} behind thousands of headers is obeyed`,
        `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(2500)}${end}`,
        /^HTTP\/1\.1 200 OK\n[^]*\n\nok$/,
      ),
    ),
    got(
      'a folded line is unfolded, or a fault',
      'HTTP/1.1 200 OK\r\nX-Mine: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok',
      /^HTTP\/1\.1 (200 OK\n(.*\n)*x-mine: 1 +2\n\nok$|502 )/,
    ),
  ]
}

/** Statuses that have no body, and what workers say of it nonetheless. */
function nothing(): Row[] {
  return [
    got('a 204 has no length', 'HTTP/1.1 204 No Content\r\n\r\n', answered('204 No Content')),
    ...['Content-Length: 0', 'Content-Length: 5', 'Transfer-Encoding: chunked', 'Trailer: X-Sum'].map(
      (field) =>
        got(
          `a 204 with ${field} has no such thing`,
          `HTTP/1.1 204 No Content\r\n${field}\r\nETag: "x"\r\n\r\n`,
          answered('204 No Content', ['etag: "x"']),
        ),
    ),
    got(
      'a 304 may have the length of what it does not send',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n',
      answered('304 Not Modified', ['content-length: 5', 'etag: "x"']),
    ),
    ...['Transfer-Encoding: chunked', 'Trailer: X-Sum', 'Connection: close'].map((field) =>
      got(
        `a 304 with ${field} has no such thing`,
        `HTTP/1.1 304 Not Modified\r\n${field}\r\nETag: "x"\r\n\r\n`,
        answered('304 Not Modified', ['etag: "x"']),
      ),
    ),
    got(
      'a HEAD that is answered 204 has no length either',
      'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
      answered('204 No Content'),
      head('HEAD /x'),
    ),
  ]
}

/** Clients of HTTP/1.0. */
function old(): Row[] {
  const request = 'GET /x HTTP/1.0\r\nHost: example.test\r\n'
  const closed = answered('200 OK', ['connection: close'], 'abcdef')
  const chunks = `${CHUNKED}Trailer: X-Sum\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Sum: 1\r\n\r\n`
  return [
    [
      'a client of HTTP/1.0 is served by HTTP/1.1, and its connection closed',
      `${request}\r\n`,
      undefined,
      [asked('GET /x', ['via: 1.0 rondo'])],
      [GOOD_AND_CLOSED],
    ],
    [
      'a client of HTTP/1.0 may keep its connection for an answer with a length',
      `${request}Connection: keep-alive\r\n\r\n`,
      undefined,
      [asked('GET /x', ['via: 1.0 rondo'])],
      [[GOOD, GOOD_AND_CLOSED]],
    ],
    got('chunks are undone for a client of HTTP/1.0', chunks, closed, `${request}\r\n`),
    got(
      'chunks are undone for a client of HTTP/1.0 that would keep its connection',
      chunks,
      closed,
      `${request}Connection: keep-alive\r\n\r\n`,
    ),
    got(
      'a body without a length ends with the connection for a client of HTTP/1.0',
      (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nabcdef'),
      closed,
      `${request}\r\n`,
    ),
  ]
}

function lines(lacks: ReadonlySet<Lack>): Row[] {
  const reason = (phrase: string): string => `HTTP/1.1 200 ${phrase}\r\nContent-Length: 2\r\n\r\nok`
  const passed = (phrase: string): string => answered(`200 ${phrase}`, ['content-length: 2'], 'ok')
  const cleared = /^HTTP\/1\.1 200 (OK)?\n[^]*\n\nok$|^HTTP\/1\.1 502 /
  return [
    got('a reason phrase is passed on', reason('As I Say\t!'), passed('As I Say\t!')),
    got('a reason phrase of nothing harms nobody', reason(''), cleared),
    got(
      'a reason phrase beyond ASCII is passed on, or dropped where it cannot be',
      reason('caf\xe9 \x80'),
      passed(lacks.has('reason beyond ASCII') ? '' : 'caf\xe9 \x80'),
    ),
    ...['O\x01\x07K', 'a\x7fb'].map((phrase) =>
      got(`the reason phrase ${JSON.stringify(phrase)} harms nobody`, reason(phrase), cleared),
    ),
    got(
      'a status that nobody knows is passed on',
      'HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nok',
      answered('799 Odd', ['content-length: 2'], 'ok'),
    ),
    got(
      'values beyond ASCII are passed on',
      'HTTP/1.1 200 OK\r\nX-Odd: caf\xe9 \xff\x80\r\nX-Tab: a\tb\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok',
      answered('200 OK', ['content-length: 2', 'x-empty: ', 'x-odd: caf\xe9 \xff\x80', 'x-tab: a\tb'], 'ok'),
    ),
    got('a status of 1000 is a fault', 'HTTP/1.1 1000 No\r\nContent-Length: 2\r\n\r\nok', /^HTTP\/1\.1 502 /),
  ]
}
