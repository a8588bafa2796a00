import {
  afterChunks,
  answered,
  asked,
  GOOD,
  GOOD_AND_CLOSED,
  refused,
  type Row,
} from '../../support/conformance.ts'
import type { Lack } from '../../support/forwarders.ts'
import { head, OK } from '../../support/hostile.ts'

const CHUNKED = 'Transfer-Encoding: chunked'

/** Requests over one connection (RFC 9112, 9), answers that come early, and bodies that are too long. */
export function sequences(lacks: ReadonlySet<Lack>): Row[] {
  return [...inARow(), ...limits(lacks)]
}

function inARow(): Row[] {
  const echo = (path: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`
  const names = Array.from({ length: 20 }, (_, i) => `/${i + 1}`)
  return [
    [
      'requests in a row are answered in their order',
      names.map((path) => head(`GET ${path}`)).join(''),
      (socket, { path }) => {
        if (path === '/1') setTimeout(() => socket.write(echo(path)), 50)
        else socket.write(echo(path))
      },
      names.map(() => /^GET \//),
      names.map((path) => answered('200 OK', [`content-length: ${path.length}`], path)),
    ],
    [
      'requests in a row with bodies of either kind stay apart',
      [
        `${head('POST /a', 'Content-Length: 3')}abc`,
        `${head('POST /a', CHUNKED)}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
        head('GET /a'),
      ].join(''),
      OK,
      [/^(POST|GET) /, /^(POST|GET) /, /^(POST|GET) /],
      [GOOD, GOOD, GOOD],
    ],
    [
      'the last request in a row closes the connection',
      `${head('GET /1')}${head('GET /2', 'Connection: close')}`,
      OK,
      [/^GET \/[12] /, /^GET \/[12] /],
      [GOOD, GOOD_AND_CLOSED],
    ],
    [
      'a client that closes costs no connection to the worker',
      head('GET /x', 'Connection: close'),
      OK,
      [asked('GET /x')],
      [GOOD_AND_CLOSED],
      { connections: 1 },
    ],
    [
      'an early answer to a large upload reaches the client as it is',
      [head('POST /x', 'Content-Length: 1000000') + 'x'.repeat(1000), 'x'.repeat(999_000)],
      (socket) => socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much'),
      [/^POST \/x HTTP\/1\.1\n(.*\n)*content-length: 1000000\n/],
      [
        /^HTTP\/1\.1 413 Content Too Large\nconnection: (close|keep-alive)\ncontent-length: 8\ndate: \{now\}\n\ntoo much$/,
      ],
    ],
    [
      'an early answer to a large upload in chunks reaches the client as it is',
      [`${head('POST /x', CHUNKED)}400\r\n${'x'.repeat(1024)}\r\n`, '1\r\nx\r\n0\r\n\r\n'],
      (socket) => socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much'),
      [/^POST \/x HTTP\/1\.1\n(.*\n)*transfer-encoding: chunked\n/],
      [
        /^HTTP\/1\.1 413 Content Too Large\nconnection: (close|keep-alive)\ncontent-length: 8\ndate: \{now\}\n\ntoo much$/,
      ],
    ],
  ]
}

function limits(lacks: ReadonlySet<Lack>): Row[] {
  const pool = { limits: { body: 5 } }
  return [
    [
      'a body as long as is allowed passes',
      `${head('POST /x', 'Content-Length: 5')}hello`,
      undefined,
      [asked('POST /x', ['content-length: 5'], 'hello')],
      [GOOD],
      { pool },
    ],
    [
      'a body in chunks as long as is allowed passes',
      `${head('POST /x', CHUNKED)}5\r\nhello\r\n0\r\n\r\n`,
      undefined,
      [asked('POST /x', ['transfer-encoding: chunked', ...afterChunks(lacks)], 'hello')],
      [GOOD],
      { pool },
    ],
    [
      'a length that is not allowed is a 413 at once, and no worker is asked',
      head('POST /x', 'Content-Length: 6'),
      undefined,
      [],
      [refused(413)],
      { pool },
    ],
    [
      'a body in chunks beyond what is allowed is a 413, and never whole at a worker',
      `${head('POST /x', CHUNKED)}3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n`,
      () => {},
      [/^(nothing|POST \/x HTTP\/1\.1\n(?![^]*\nabcabc$)[^]*)$/],
      [refused(413)],
      { pool },
    ],
  ]
}
