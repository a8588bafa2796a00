import { answered, asked, declined, GOOD, type Row } from '../../support/conformance.ts'
import { head } from '../../support/hostile.ts'

/** What belongs to a worker's connection stays behind (RFC 9110, 7.6.1), and what does not is passed on. */
export function hopByHopBack(): Row[] {
  const answer = (...fields: string[]): string =>
    `${['HTTP/1.1 200 OK', ...fields, 'Content-Length: 2'].join('\r\n')}\r\n\r\nok`
  return [
    ...[
      'Keep-Alive: timeout=77',
      'Proxy-Authenticate: Basic realm=x',
      'Proxy-Authorization: Basic eA==',
      'Proxy-Authentication-Info: nextnonce=x',
      'Proxy-Connection: close',
      'TE: trailers',
      'Trailer: X-Sum',
      'Upgrade: h2c, websocket',
    ].map((field): Row => [
      `a worker's ${field} stays behind, and what is beside it does not`,
      head('GET /x'),
      answer(field, 'X-Mine: 1'),
      [asked('GET /x')],
      [answered('200 OK', ['content-length: 2', 'x-mine: 1'], 'ok')],
    ]),
    [
      "what a worker's Connection names stays behind, however it is written",
      head('GET /x'),
      answer(
        'Connection: ,keep-alive ,\tX-One,, x-TWO',
        'X-one: 1',
        'X-Two: 2',
        'x-two: 22',
        'X-Three: 3',
        'cOnnection: X-Four',
        'X-Four: 4',
      ),
      [asked('GET /x')],
      [answered('200 OK', ['content-length: 2', 'x-three: 3'], 'ok')],
    ],
    [
      'what belongs to a connection may be repeated',
      head('GET /x'),
      answer(
        'Upgrade: h2c',
        'Upgrade: other',
        'Keep-Alive: timeout=77',
        'Keep-Alive: max=3',
        'TE: a',
        'TE: b',
      ),
      [asked('GET /x')],
      [GOOD],
    ],
    [
      "a worker's Connection takes the framing of a length from nobody",
      head('GET /x'),
      answer('Connection: Content-Length'),
      [asked('GET /x')],
      [GOOD],
    ],
    [
      "a worker's Connection takes the framing of chunks from nobody",
      head('GET /x'),
      'HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      [asked('GET /x')],
      [answered('200 OK', ['transfer-encoding: chunked'], 'ok')],
    ],
    [
      "a worker's Connection: close is its own",
      head('GET /x'),
      (socket) => socket.end(answer('Connection: close')),
      [asked('GET /x')],
      [GOOD],
      { connections: 2 },
    ],
    [
      "a worker's Via, Server and Date are passed on, and nothing of the balancer's is added",
      head('GET /x'),
      answer('Via: 1.0 inner', 'Server: raw', 'Date: Sun, 06 Nov 1994 08:49:37 GMT'),
      [asked('GET /x')],
      [
        answered(
          '200 OK',
          ['content-length: 2', 'date: Sun, 06 Nov 1994 08:49:37 GMT', 'server: raw', 'via: 1.0 inner'],
          'ok',
        ),
      ],
    ],
    [
      'cookies stay apart, other repeated headers keep their order',
      head('GET /x'),
      answer('Set-Cookie: a=1; Path=/', 'X-Two: 1', 'Set-Cookie: b=2, c', 'X-Two: 2', 'Vary: a', 'vary: b'),
      [asked('GET /x')],
      [
        answered(
          '200 OK',
          ['content-length: 2', 'set-cookie: a=1; Path=/', 'set-cookie: b=2, c', 'vary: a, b', 'x-two: 1, 2'],
          'ok',
        ),
      ],
    ],
    [
      'an answer that needs an Upgrade is passed on without it',
      head('GET /x'),
      'HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: TLS/1.3\r\nContent-Length: 0\r\n\r\n',
      [asked('GET /x')],
      [declined(426)],
    ],
  ]
}
