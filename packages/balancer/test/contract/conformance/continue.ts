import {
  answered,
  asked,
  declined,
  GOOD,
  GOOD_AND_CLOSED,
  refused,
  type Row,
} from '../../support/conformance.ts'
import type { Lack } from '../../support/forwarders.ts'
import { head, OK } from '../../support/hostile.ts'

/** Expectations and interim responses (RFC 9110, 10.1.1 and 15.2). */
export function interims(lacks: ReadonlySet<Lack>): Row[] {
  return [...expectations(), ...hints(lacks)]
}

const CONTINUE = answered('100 Continue')

function expectations(): Row[] {
  const expecting = head('POST /x', 'Content-Length: 5', 'Expect: 100-continue')
  const whole = asked('POST /x', ['content-length: 5'], 'hello')
  return [
    ...[false, true].flatMap((continues): Row[] => {
      const who = continues ? 'the app' : "Node's server"
      return [
        [
          `100 Continue is sent by ${who}, and no worker sees the Expect`,
          [expecting, 'hello'],
          undefined,
          [whole],
          [CONTINUE, GOOD],
          { continues },
        ],
        [
          `100 Continue is sent by ${who} for chunks, and whatever the case of the Expect`,
          [head('PUT /x', 'Transfer-Encoding: chunked', 'Expect: 100-Continue'), '5\r\nhello\r\n0\r\n\r\n'],
          undefined,
          [/^PUT \/x HTTP\/1\.1\n(?!.*expect)[^]*\ntransfer-encoding: chunked\n[^]*\n\nhello$/],
          [CONTINUE, GOOD],
          { continues },
        ],
        [
          `a client that does not wait for ${who} is served`,
          `${expecting}hello`,
          undefined,
          [whole],
          [CONTINUE, GOOD],
          { continues },
        ],
        [
          `an expectation of HTTP/1.0 is nothing to ${who}`,
          'POST /x HTTP/1.0\r\nHost: example.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello',
          undefined,
          [asked('POST /x', ['content-length: 5', 'via: 1.0 rondo'], 'hello')],
          [GOOD_AND_CLOSED],
          { continues },
        ],
        [
          `an expectation that nobody knows is a 417 by ${who}, and no worker is asked`,
          head('GET /x', 'Expect: wonders'),
          undefined,
          [],
          [/^HTTP\/1\.1 417 /],
          { continues },
        ],
      ]
    }),
    [
      'a body that is too long is refused before it is sent',
      head('POST /x', 'Content-Length: 6', 'Expect: 100-continue'),
      undefined,
      [],
      [refused(413)],
      { continues: true, pool: { limits: { body: 5 } } },
    ],
    [
      'a request that no worker may see is refused before its body is sent',
      head('POST /x', 'Host: other.test', 'Content-Length: 6', 'Expect: 100-continue'),
      undefined,
      [],
      [refused(400)],
      { continues: true },
    ],
    [
      'OPTIONS * is answered whatever it expects',
      head('OPTIONS *', 'Expect: 100-continue'),
      undefined,
      [],
      [/^HTTP\/1\.1 204 /],
      { continues: true },
    ],
  ]
}

function hints(lacks: ReadonlySet<Lack>): Row[] {
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nlink: </b>\r\nX-Mine: 1\r\n\r\n'
  const hint = answered('103 Early Hints', ['link: </a>; rel=preload, </b>', 'x-mine: 1'])
  return [
    ['early hints come before the answer', head('GET /x'), early + OK, [asked('GET /x')], [hint, GOOD]],
    [
      'early hints come before the answer to a HEAD',
      head('HEAD /x'),
      `${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n`,
      [asked('HEAD /x')],
      [hint, answered('200 OK', ['content-length: 2'])],
    ],
    [
      'early hints come before an answer in chunks with trailers',
      head('GET /x'),
      `${early}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`,
      [asked('GET /x')],
      [hint, answered('200 OK', ['transfer-encoding: chunked'], 'ok', ['x-sum: 1'])],
    ],
    [
      'early hints come before the rest of the body is sent',
      [`${head('POST /x', 'Content-Length: 5')}he`, 'llo'],
      (socket, request) => {
        socket.write(early)
        const timer = setInterval(() => {
          if (request.body !== 'hello') return
          clearInterval(timer)
          socket.write(OK)
        }, 5)
        socket.once('close', () => clearInterval(timer))
      },
      [asked('POST /x', ['content-length: 5'], 'hello')],
      [hint, GOOD],
    ],
    [
      'interim responses of every kind come in their order, as often as they were sent',
      head('GET /x'),
      `HTTP/1.1 102 Processing\r\n\r\n${early}${early}HTTP/1.1 199 Odd\r\nX-Mine: 2\r\n\r\n${OK}`,
      [asked('GET /x')],
      [answered('102 Processing'), hint, hint, answered('199 Odd', ['x-mine: 2']), GOOD],
    ],
    [
      'the headers of a connection stay behind in an interim response too',
      head('GET /x'),
      `HTTP/1.1 103 Early Hints\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=9\r\nLink: </a>\r\n\r\n${OK}`,
      [asked('GET /x')],
      [answered('103 Early Hints', ['link: </a>']), GOOD],
    ],
    [
      'a client of HTTP/1.0 sees no interim response',
      'GET /x HTTP/1.0\r\nHost: example.test\r\n\r\n',
      `HTTP/1.1 102 Processing\r\n\r\n${early}${OK}`,
      [asked('GET /x', ['via: 1.0 rondo'])],
      [GOOD_AND_CLOSED],
    ],
    [
      'early hints of requests in a row stay with their own',
      `${head('GET /1')}${head('GET /2')}`,
      (socket, { path }) => {
        if (path === '/2') socket.write(OK)
        else setTimeout(() => socket.write(early + OK), 50)
      },
      [/^GET \/[12] /, /^GET \/[12] /],
      [hint, GOOD, GOOD],
    ],
    [
      'a 100 Continue that nobody asked for is swallowed, or a 502 where it cannot be',
      head('GET /x'),
      `HTTP/1.1 100 Continue\r\n\r\n${OK}`,
      [asked('GET /x')],
      [lacks.has('unasked 100') ? declined(502) : GOOD],
    ],
    [
      'early hints are worth nothing when the connection ends behind them',
      head('GET /x'),
      (socket) => socket.end(early),
      [/^GET/],
      [hint, declined(502)],
    ],
    [
      'a 101 that nobody asked for is a 502',
      head('GET /x'),
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      [asked('GET /x')],
      [declined(502)],
      { connections: 2 },
    ],
  ]
}
