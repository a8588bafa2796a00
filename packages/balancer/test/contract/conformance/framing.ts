import { afterChunks, asked, GOOD, refused, type Row } from '../../support/conformance.ts'
import type { Lack } from '../../support/forwarders.ts'
import { head } from '../../support/hostile.ts'

const CHUNKED = 'Transfer-Encoding: chunked'

/** Where requests end, and what that is told by (RFC 9112, 6 and 7). */
export function framing(lacks: ReadonlySet<Lack>): Row[] {
  return [...chunks(lacks), ...faults()]
}

function chunks(lacks: ReadonlySet<Lack>): Row[] {
  const chunked = ['transfer-encoding: chunked', ...afterChunks(lacks)]
  const inner = head('GET /smuggled')
  return [
    ...(
      [
        ['chunks', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
        [
          'sizes in capitals and with zeros',
          '0A\r\n0123456789\r\n000b\r\n0123456789x\r\n000\r\n\r\n',
          '01234567890123456789x',
        ],
        ['extensions', '3;a=b;c="d e"\r\nabc\r\n0;z\r\n\r\n', 'abc'],
        ['a request', `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`, inner],
        ['trailers', '3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n', 'abc'],
        [
          'trailers that would be obeyed as headers',
          '3\r\nabc\r\n0\r\nHost: evil.test\r\nX-Forwarded-For: 6.6.6.6\r\nCookie: a=1\r\n\r\n',
          'abc',
        ],
      ] as const
    ).map(([what, body, whole]): Row => [
      `a body in chunks with ${what} arrives whole, and nothing else`,
      head('POST /x', CHUNKED, 'Trailer: X-Sum') + body,
      undefined,
      [asked('POST /x', chunked, whole)],
      [GOOD],
    ]),
    [
      'a body in chunks that is none',
      `${head('POST /x', CHUNKED)}0\r\n\r\n`,
      undefined,
      [[asked('POST /x', chunked), asked('POST /x', ['content-length: 0'])]],
      [GOOD],
    ],
    ...['GET', 'DELETE', 'OPTIONS', 'QUERY'].map((method): Row => [
      `a ${method} with a body in chunks smuggles nothing`,
      `${head(`${method} /x`, 'transfer-encoding: Chunked')}${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
      undefined,
      [asked(`${method} /x`, chunked, inner)],
      [GOOD],
    ]),
  ]
}

const FAULTY: [what: string, bytes: string][] = [
  ['a length and chunks', `${head('POST /x', 'Content-Length: 5', CHUNKED)}0\r\n\r\nGET`],
  ['chunks and a length', `${head('POST /x', CHUNKED, 'Content-Length: 5')}0\r\n\r\nGET`],
  ['two lengths', `${head('POST /x', 'Content-Length: 2', 'Content-Length: 3')}abc`],
  ['a length twice', `${head('POST /x', 'Content-Length: 2', 'Content-Length: 2')}hi`],
  ['a coding of nothing', `${head('POST /x', 'Transfer-Encoding:')}${head('GET /smuggled')}`],
  ['a coding behind nothing', `${head('POST /x', 'Transfer-Encoding: ,chunked')}0\r\n\r\n`],
  ['a coding with a parameter', `${head('POST /x', 'Transfer-Encoding: chunked;a=b')}0\r\n\r\n`],
  ['two lengths in a list', `${head('POST /x', 'Content-Length: 2, 3')}abc`],
  ['a length with a sign', `${head('POST /x', 'Content-Length: +2')}ab`],
  ['a length below zero', head('POST /x', 'Content-Length: -1')],
  ['a length in hexadecimal', `${head('POST /x', 'Content-Length: 0x2')}ab`],
  ['a length of nothing', head('POST /x', 'Content-Length:')],
  ['a length beyond all numbers', head('POST /x', `Content-Length: ${'9'.repeat(30)}`)],
  ['a coding that is not the last', `${head('POST /x', 'Transfer-Encoding: chunked, gzip')}0\r\n\r\n`],
  ['chunks twice', `${head('POST /x', 'Transfer-Encoding: chunked, chunked')}0\r\n\r\n`],
  ['chunks on two lines', `${head('POST /x', CHUNKED, CHUNKED)}0\r\n\r\n`],
  ['the coding identity', `${head('POST /x', 'Transfer-Encoding: identity')}0\r\n\r\n`],
  ['a coding before chunks', `${head('POST /x', 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n`],
  ['an unknown coding', head('POST /x', 'Transfer-Encoding: xchunked')],
  ['a quoted coding', `${head('POST /x', 'Transfer-Encoding: "chunked"')}0\r\n\r\n`],
  ['a control character in the coding', `${head('POST /x', 'Transfer-Encoding: \x0bchunked')}0\r\n\r\n`],
  ['chunks whose lines end in LF', `${head('POST /x', CHUNKED)}2\nhi\n0\n\n`],
  ['a chunk that ends in LF', `${head('POST /x', CHUNKED)}2\r\nhi\n0\r\n\r\n`],
  ['LF in the extension of a chunk', `${head('POST /x', CHUNKED)}2;a\nb\r\nhi\r\n0\r\n\r\n`],
  ['a chunk beyond all numbers', `${head('POST /x', CHUNKED)}${'f'.repeat(17)}\r\nhi\r\n0\r\n\r\n`],
  ['a chunk of 0x2', `${head('POST /x', CHUNKED)}0x2\r\nhi\r\n0\r\n\r\n`],
  ['a chunk that is longer than it says', `${head('POST /x', CHUNKED)}2\r\nhixx\r\n0\r\n\r\n`],
  ['a length among the trailers', `${head('POST /x', CHUNKED)}0\r\nContent-Length: 9\r\n\r\n`],
  ['a space before the colon', head('GET /x', 'X-Mine : 1')],
  ['a folded line', head('GET /x', 'X-Mine: 1\r\n 2')],
  ['a space before the first header', 'GET /x HTTP/1.1\r\n Host: example.test\r\n\r\n'],
  ['a header without a name', head('GET /x', ': 1')],
  ['a header without a colon', head('GET /x', 'nothing')],
  ['a zero in a header', head('GET /x', 'X-Mine: a\0b')],
  ['a bare CR in a header', head('GET /x', 'X-Mine: a\rb')],
  ['lines that end in LF', 'GET /x HTTP/1.1\nHost: example.test\n\n'],
  ['a name that is not ASCII', head('GET /x', 'X-M\xefne: 1')],
  ['HTTP/1.2', 'GET /x HTTP/1.2\r\nHost: example.test\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['http in small letters', 'GET /x http/1.1\r\nHost: example.test\r\n\r\n'],
  ['the start of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
]

function faults(): Row[] {
  return [
    ...FAULTY.map(([what, bytes]): Row => [
      `a request with ${what} is refused, and no worker is asked`,
      bytes,
      undefined,
      [],
      [refused(400, 501, 505)],
    ]),
    ...['', 'Connection: keep-alive\r\n'].map((connection): Row => [
      `chunks of HTTP/1.0 are not trusted${connection && ', whatever the client would keep'}`,
      `POST /x HTTP/1.0\r\nHost: example.test\r\n${connection}${CHUNKED}\r\n\r\n0\r\n\r\n`,
      undefined,
      [/^(nothing|POST \/x HTTP\/1\.1\n[^]*\n\n)$/],
      [/^HTTP\/1\.1 (200|400|501) [^]*^connection: close$/m],
    ]),
    ...['HTTP/0.9', 'HTTP/2.0'].map((version): Row => [
      `${version} in the first line is refused, or served as HTTP/1 and the connection closed`,
      `GET /x ${version}\r\nHost: example.test\r\n\r\n`,
      undefined,
      [/^(nothing|GET \/x HTTP\/1\.1\n[^]*)$/],
      [/^HTTP\/1\.1 (200|400|505) [^]*^connection: close$/m],
    ]),
    [
      'empty lines before a request are nothing',
      `\r\n\r\n${head('GET /x')}`,
      undefined,
      [asked('GET /x')],
      [GOOD],
    ],
    [
      'bytes that are not ASCII stay in a value as they are',
      head('GET /x', 'X-Odd: caf\xe9 \xff\x80', 'X-Tab: a\tb', 'X-Empty:'),
      undefined,
      [asked('GET /x', ['x-empty: ', 'x-odd: caf\xe9 \xff\x80', 'x-tab: a\tb'])],
      [GOOD],
    ],
    [
      'spaces around a value are nothing',
      head('GET /x', 'X-Mine:  \t a b \t'),
      undefined,
      [asked('GET /x', ['x-mine: a b'])],
      [GOOD],
    ],
    [
      'what follows a request that is refused is never served',
      `${head('GET /x', 'Host: second')}${head('GET /smuggled')}`,
      undefined,
      [],
      [refused(400)],
    ],
  ]
}
