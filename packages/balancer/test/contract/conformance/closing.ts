import { answered, asked, declined, GOOD, type Row } from '../../support/conformance.ts'
import type { Lack } from '../../support/forwarders.ts'
import { head, OK } from '../../support/hostile.ts'
import type { Socket } from 'node:net'

/** What becomes of a connection to a worker, by what came over it last: whether the next request goes over it too. */
export function closing(lacks: ReadonlySet<Lack>): Row[] {
  return [...kept(), ...given(lacks), ...cut()]
}

function over(
  connections: number,
  what: string,
  answer: Row[2],
  client: Row[4][number] = GOOD,
  request = head('GET /x'),
): Row {
  return [what, request, answer, [/^(GET|HEAD|POST) \/x /], [client], { connections }]
}

function kept(): Row[] {
  return [
    over(1, 'an answer with a length leaves a connection of use', OK),
    over(
      1,
      'an answer in chunks leaves a connection of use',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      answered('200 OK', ['transfer-encoding: chunked'], 'ok'),
    ),
    over(
      1,
      'an answer without a body leaves a connection of use',
      'HTTP/1.1 204 No Content\r\n\r\n',
      answered('204 No Content'),
    ),
    over(
      1,
      'an answer to a HEAD leaves a connection of use',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
      answered('200 OK', ['content-length: 2']),
      head('HEAD /x'),
    ),
    over(
      1,
      'an error of the worker leaves a connection of use',
      'HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno',
      answered('500 No', ['content-length: 2'], 'no'),
    ),
    over(
      1,
      'an upload with a length leaves a connection of use',
      OK,
      GOOD,
      `${head('POST /x', 'Content-Length: 2')}hi`,
    ),
  ]
}

function given(lacks: ReadonlySet<Lack>): Row[] {
  return [
    over(
      2,
      "a worker's Connection: close is obeyed",
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    ),
    over(
      2,
      "a worker's Connection: close is obeyed in a list and in any case",
      'HTTP/1.1 200 OK\r\nConnection: x-mine, CLOSE\r\nContent-Length: 2\r\n\r\nok',
    ),
    over(
      lacks.has('version of a response') ? 1 : 2,
      'a connection of HTTP/1.0 is not kept behind chunks where the version shows, whatever the worker would keep',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      /^HTTP\/1\.1 (200 [^]*\n\nok$|502 )/,
    ),
    over(
      2,
      'a connection with garbage behind an error is not kept, and the error stays the error it is',
      'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nnogarbage\r\n\r\n',
      answered('404 Not Found', ['content-length: 2'], 'no'),
    ),
    over(2, 'a connection of HTTP/1.0 is not kept', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    over(
      2,
      'a connection with bytes behind the answer is not kept, and they reach nobody',
      `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
    ),
    over(
      2,
      'a connection with a body behind a 204 is not kept, and the body reaches nobody',
      'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
      answered('204 No Content'),
    ),
    over(
      2,
      'a connection with a body behind a 304 is not kept, and the body reaches nobody',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello',
      answered('304 Not Modified', ['content-length: 5']),
    ),
    over(
      2,
      'a connection with a body behind the answer to a HEAD is not kept, and the body reaches nobody',
      OK,
      answered('200 OK', ['content-length: 2']),
      head('HEAD /x'),
    ),
    over(
      2,
      'a connection of no length is not kept',
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'),
      answered('200 OK', ['transfer-encoding: chunked'], 'ok'),
    ),
  ]
}

const MALFORMED: [what: string, answer: string][] = [
  ['no HTTP', 'hello\r\n\r\n'],
  ['a space before a colon', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok'],
  ['a header without a name', 'HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 2\r\n\r\nok'],
  ['a bare CR', 'HTTP/1.1 200 OK\r\nX-Mine: a\rb\r\nContent-Length: 2\r\n\r\nok'],
  ['a zero in a header', 'HTTP/1.1 200 OK\r\nX-Mine: a\0b\r\nContent-Length: 2\r\n\r\nok'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
  ['two lengths in a list', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nabc'],
  ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok'],
  [
    'a length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['lines that end in LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
  ['a length of nothing', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok'],
  ['a length beyond all numbers', `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\nok`],
  ['chunks twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
  ['a head of 100 KB', `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\nok`],
]

const CUT: [what: string, bytes: string, seen: RegExp][] = [
  [
    'a body with a length',
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc',
    /content-length: 10\r\n[^]*\r\nabc$/i,
  ],
  [
    'a chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc',
    /transfer-encoding: chunked\r\n[^]*\r\n3\r\nabc(\r\n)?$/i,
  ],
  [
    'chunks, before the last',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    /transfer-encoding: chunked\r\n[^]*\r\n3\r\nabc(\r\n)?$/i,
  ],
  [
    'trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n',
    /transfer-encoding: chunked\r\n[^]*\r\n3\r\nabc(\r\n)?$/i,
  ],
  [
    'chunks that are none',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n',
    /transfer-encoding: chunked\r\n[^]*\r\n3\r\nabc(\r\n)?$/i,
  ],
]

function cut(): Row[] {
  /** Ends the connection when what was sent has been passed on. */
  const endLater = (socket: Socket, bytes: string): void => {
    socket.write(bytes, () => setTimeout(() => socket.end(), 20))
  }
  return [
    ...MALFORMED.map(([what, answer]): Row => [
      `a worker that answers ${what} is a 502, and its connection is not kept`,
      head('GET /x'),
      answer,
      [asked('GET /x')],
      [declined(502)],
      { connections: 2 },
    ]),
    ...CUT.map(([what, bytes, seen]): Row => [
      `what a worker cuts in ${what} is cut at the client`,
      head('GET /x'),
      (socket) => endLater(socket, bytes),
      [asked('GET /x')],
      [new RegExp(`^HTTP/1\\.1 502 |^cut: HTTP/1\\.1 200 OK\\r\\n[^]*${seen.source}`, 'i')],
      { connections: 2 },
    ]),
  ]
}
