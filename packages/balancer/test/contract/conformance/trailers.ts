import { answered, got, GOOD, type Row } from '../../support/conformance.ts'

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'

/** May not stand behind a body (RFC 9110, 6.5.1), or belong to the connection (7.6.1). */
const NO_TRAILERS = [
  'Transfer-Encoding: gzip',
  'Trailer: X-Sum',
  'Host: evil.test',
  'Set-Cookie: a=1',
  'Cookie: a=1',
  'Authorization: Basic eA==',
  'WWW-Authenticate: Basic',
  'Proxy-Authenticate: Basic',
  'Proxy-Authorization: Basic eA==',
  'Connection: close',
  'Keep-Alive: timeout=9',
  'Upgrade: h2c',
  'TE: trailers',
  'X-Named: 1',
]

/** Trailers of responses (RFC 9110, 6.5). */
export function trailers(): Row[] {
  const chunked = ['transfer-encoding: chunked']
  const answer = (...fields: string[]): string =>
    `${CHUNKED}Connection: X-Named\r\n\r\n2\r\nok\r\n0\r\n${[...fields, 'X-Sum: 1'].join('\r\n')}\r\n\r\n`
  return [
    got(
      'trailers are passed on',
      answer('ETag: "x"'),
      answered('200 OK', chunked, 'ok', ['etag: "x"', 'x-sum: 1']),
    ),
    got(
      'trailers that were announced are passed on',
      answer().replace('\r\n', '\r\nTrailer: X-Sum\r\n'),
      answered('200 OK', chunked, 'ok', ['x-sum: 1']),
    ),
    got(
      'trailers of the same name are passed on, all of them',
      answer('X-Sum: 0'),
      answered('200 OK', chunked, 'ok', ['x-sum: 0, 1']),
    ),
    got(
      'trailers behind no body at all are passed on',
      `${CHUNKED}\r\n0\r\nX-Sum: 1\r\n\r\n`,
      answered('200 OK', chunked, '', ['x-sum: 1']),
    ),
    ...NO_TRAILERS.map((field) =>
      got(
        `a trailer ${field} stays behind, and what is beside it does not`,
        answer(field),
        answered('200 OK', chunked, 'ok', ['x-sum: 1']),
      ),
    ),
    got(
      'a length among the trailers is a fault',
      answer('Content-Length: 9'),
      /^(HTTP\/1\.1 502 |cut: HTTP\/1\.1 200 (?![^]*\r\n0\r\n))/,
    ),
    got(
      'a length, and a word of trailers that cannot come',
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok',
      GOOD,
    ),
  ]
}
