import { answered, asked, declined, GOOD, refused, withoutBody, type Row } from '../../support/conformance.ts'
import { head } from '../../support/hostile.ts'

/** OPTIONS and TRACE, and how far they go (RFC 9110, 7.6.2, 9.3.7 and 9.3.8). */
export function maxForwards(): Row[] {
  return [...options(), ...traces()]
}

const ALLOWED =
  /^HTTP\/1\.1 204 No Content\nallow: [A-Z]+(, [A-Z]+)*\nconnection: keep-alive\ndate: \{now\}\n\n$/

function options(): Row[] {
  const passed = (value: string, left: string): Row => [
    `OPTIONS with Max-Forwards: ${value} goes on with one less`,
    head('OPTIONS /x', `Max-Forwards: ${value}`),
    undefined,
    [withoutBody('OPTIONS /x', [`max-forwards: ${left}`])],
    [GOOD],
  ]
  return [
    ...['OPTIONS *', 'OPTIONS http://example.test', 'OPTIONS http://other.test:81'].map((line): Row => [
      `${line} is answered here`,
      head(line),
      undefined,
      [],
      [ALLOWED],
    ]),
    ...['0', '5'].map((left): Row => [
      `OPTIONS * with Max-Forwards: ${left} is answered here`,
      head('OPTIONS *', `Max-Forwards: ${left}`),
      undefined,
      [],
      [ALLOWED],
    ]),
    [
      'OPTIONS * with a body is answered here, and what follows is the next request',
      `${head('OPTIONS *', 'Content-Length: 5')}hello${head('GET /x')}`,
      undefined,
      [asked('GET /x')],
      [ALLOWED, GOOD],
    ],
    [
      'OPTIONS * with two Hosts is refused all the same',
      head('OPTIONS *', 'Host: other.test'),
      undefined,
      [],
      [refused(400)],
    ],
    ...(
      [
        ['http://other.test/', '/'],
        ['http://other.test?q', '/?q'],
      ] as const
    ).map(([target, path]): Row => [
      `OPTIONS ${target} asks a worker for ${path}`,
      head(`OPTIONS ${target}`),
      undefined,
      [withoutBody(`OPTIONS ${path}`, ['host: other.test', 'x-forwarded-host: other.test'])],
      [GOOD],
    ]),
    ...['0', '00'].map((left): Row => [
      `OPTIONS with Max-Forwards: ${left} is answered here`,
      head('OPTIONS /x', `Max-Forwards: ${left}`),
      undefined,
      [],
      [/^HTTP\/1\.1 20[04] [^]*^allow: /m],
    ]),
    passed('1', '0'),
    passed('10', '9'),
    passed('007', '6'),
    [
      'OPTIONS with a Max-Forwards beyond all numbers goes on with a number',
      head('OPTIONS /x', `Max-Forwards: ${'9'.repeat(30)}`),
      undefined,
      [/\nmax-forwards: \d+\n/],
      [GOOD],
    ],
    [
      'of two Max-Forwards the first counts',
      head('OPTIONS /x', 'Max-Forwards: 5', 'Max-Forwards: 0'),
      undefined,
      [withoutBody('OPTIONS /x', ['max-forwards: 4'])],
      [GOOD],
    ],
    ...['many', '-1'].map((value): Row => [
      `OPTIONS with Max-Forwards: ${value}, which is no number, goes on as it is`,
      head('OPTIONS /x', `Max-Forwards: ${value}`),
      undefined,
      [withoutBody('OPTIONS /x', [`max-forwards: ${value}`])],
      [GOOD],
    ]),
    ...['0', '5', 'many'].map((value): Row => [
      `Max-Forwards: ${value} means nothing to a GET, and is passed on`,
      head('GET /x', `Max-Forwards: ${value}`),
      undefined,
      [asked('GET /x', [`max-forwards: ${value}`])],
      [GOOD],
    ]),
  ]
}

const SECRETS = ['Cookie: a=1', 'Authorization: Basic eA==', 'Proxy-Authorization: Basic eQ==']

function traces(): Row[] {
  const trace = { balance: { trace: true } }
  return [
    ...[[], ['Max-Forwards: 0'], ['Max-Forwards: 5']].map((fields): Row => [
      `TRACE${fields.length ? ` with ${fields.join()}` : ''} is a 405 with Allow, and no worker is asked`,
      head('TRACE /x', ...fields),
      undefined,
      [],
      [/^HTTP\/1\.1 405 Method Not Allowed\nallow: (?![^\n]*TRACE)[A-Z, ]+\n/],
    ]),
    [
      'TRACE is passed on where it is allowed',
      head('TRACE /x', 'X-Mine: 1'),
      'HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: 2\r\n\r\nok',
      [asked('TRACE /x', ['x-mine: 1'])],
      [answered('200 OK', ['content-length: 2', 'content-type: message/http'], 'ok')],
      trace,
    ],
    [
      'TRACE with Max-Forwards: 2 goes on with one less where it is allowed',
      head('TRACE /x', 'Max-Forwards: 2'),
      undefined,
      [asked('TRACE /x', ['max-forwards: 1'])],
      [GOOD],
      trace,
    ],
    [
      'TRACE with Max-Forwards: 0 is reflected where it is allowed, without what is secret',
      head('TRACE /x?y', 'X-Mine: 1', ...SECRETS, 'max-forwards: 0'),
      undefined,
      [],
      [
        /^HTTP\/1\.1 200 OK\n(?:[a-z].*\n)*content-type: message\/http\n(?:[a-z].*\n)*\nTRACE \/x\?y HTTP\/1\.1\r\nHost: example\.test\r\nX-Mine: 1\r\nmax-forwards: 0\r\n\r\n$/,
      ],
      trace,
    ],
    [
      'an OPTIONS that is declined here keeps the connection',
      head('OPTIONS /x', 'Max-Forwards: 0'),
      undefined,
      [],
      [declined(200, 204)],
    ],
  ]
}
