import {
  afterChunks,
  asked,
  GOOD,
  GOOD_AND_CLOSED,
  withoutBody,
  type Row,
} from '../../support/conformance.ts'
import type { Lack } from '../../support/forwarders.ts'
import { head } from '../../support/hostile.ts'

const SINGLE = [
  'Keep-Alive: timeout=9, max=3',
  'Proxy-Connection: keep-alive',
  'Proxy-Authenticate: Basic realm=x',
  'Proxy-Authorization: Basic eA==',
  'Proxy: http://evil.test',
  'Trailer: X-Sum',
  'Trailer: trailer, content-length',
  'TE: gzip;q=0.5',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQAAP__',
]

/** Read with hyphens these would be headers that the balancer drops or says itself; some servers do read them so. */
const TWINS = [
  'Keep_Alive: timeout=9',
  'Proxy_Connection: close',
  'Proxy_Authorization: Basic eA==',
  'HTTP2_Settings: AAMAAABkAAQAAP__',
  'Content_Length: 5',
  'Transfer_Encoding: chunked',
  'X_Forwarded_For: 6.6.6.6',
  'X_Forwarded_Proto: https',
  'X_Forwarded_Host: evil.test',
  'X_Forwarded_Port: 1',
  'x-forwarded_for: 6.6.6.6',
  'X_Real_IP: 6.6.6.6',
  'X_Request_Id: forged',
]

/** What belongs to a client's connection stays behind (RFC 9110, 7.6.1). */
export function hopByHop(lacks: ReadonlySet<Lack>): Row[] {
  const te = lacks.has('TE in Connection') ? ['te: trailers'] : ['te: trailers', 'connection: te']
  return [
    ...SINGLE.map((field): Row => [
      `a client's ${field} stays behind, and what is beside it does not`,
      head('GET /x', field, 'X-Mine: 1'),
      undefined,
      [asked('GET /x', ['x-mine: 1'])],
      [GOOD],
    ]),
    ...TWINS.flatMap((field) =>
      [false, true].map((isTrusted): Row => [
        `a client's ${field} stays behind, ${isTrusted ? 'though it is trusted' : 'whoever it is'}`,
        head('GET /x', field, 'X_Mine: 1'),
        undefined,
        [asked('GET /x', ['x_mine: 1'])],
        [GOOD],
        { isTrusted },
      ]),
    ),
    [
      'what Connection names stays behind, however it is written',
      head(
        'GET /x',
        'Connection: ,keep-alive ,\tX-One,, x-TWO',
        'X-one: 1',
        'X-Two: 2',
        'x-two: 22',
        'X-Three: 3',
        'cOnnection: X_four',
        'X_Four: 4',
      ),
      undefined,
      [asked('GET /x', ['x-three: 3'])],
      [GOOD],
    ],
    ...['DELETE', 'POST', 'PUT'].map((method): Row => [
      `a ${method} without a body may have a Trailer`,
      head(`${method} /x`, 'Trailer: X-Sum', 'TE: gzip'),
      undefined,
      [withoutBody(`${method} /x`)],
      [GOOD],
    ]),
    [
      'a POST with a length may have a Trailer',
      `${head('POST /x', 'Trailer: X-Sum', 'Content-Length: 2')}hi`,
      undefined,
      [asked('POST /x', ['content-length: 2'], 'hi')],
      [GOOD],
    ],
    [
      'names that objects have of their own are names like any others',
      head(
        'GET /x',
        'constructor: 1',
        'toString: 2',
        'hasOwnProperty: 3',
        'Connection: valueOf',
        'valueOf: 4',
      ),
      undefined,
      [asked('GET /x', ['constructor: 1', 'hasownproperty: 3', 'tostring: 2'])],
      [GOOD],
    ],
    [
      'Connection may name what is not there',
      head('GET /x', 'Connection: X-Nothing, keep-alive'),
      undefined,
      [asked('GET /x')],
      [GOOD],
    ],
    [
      'Connection takes cookies and authorization away where it names them',
      head('GET /x', 'Connection: Cookie, Authorization', 'Cookie: a=1', 'Authorization: Basic eA=='),
      undefined,
      [asked('GET /x')],
      [GOOD],
    ],
    [
      'Connection takes nothing away that makes a message of a length',
      `${head('POST /x', 'Connection: close, Host, Content-Length', 'Content-Length: 2')}hi`,
      undefined,
      [asked('POST /x', ['content-length: 2'], 'hi')],
      [GOOD_AND_CLOSED],
    ],
    [
      'Connection takes nothing away that makes a message in chunks',
      `${head('POST /x', 'Connection: Transfer-Encoding', 'Transfer-Encoding: chunked')}2\r\nhi\r\n0\r\n\r\n`,
      undefined,
      [asked('POST /x', ['transfer-encoding: chunked', ...afterChunks(lacks)], 'hi')],
      [GOOD],
    ],
    [
      'Connection takes nothing away that the balancer says',
      head(
        'GET /x',
        'Connection: Via, Forwarded, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Port, X-Request-Id',
      ),
      undefined,
      [asked('GET /x', ['forwarded: for=127.0.0.1;host=example.test;proto=http'])],
      [GOOD],
      { balance: { forwarded: true } },
    ],
    [
      'Connection does not cut the chain of a trusted proxy',
      head('GET /x', 'Connection: X-Forwarded-For', 'X-Forwarded-For: 6.6.6.6'),
      undefined,
      [asked('GET /x', ['x-forwarded-for: 6.6.6.6, 127.0.0.1'])],
      [GOOD],
      { isTrusted: true },
    ],
    ...['TE: trailers', 'TE: deflate;q=0.5, Trailers', 'TE: trailers\r\nTE: gzip\r\nConnection: TE'].map(
      (fields): Row => [
        `${JSON.stringify(fields)} goes on as trailers alone`,
        head('GET /x', fields),
        undefined,
        [asked('GET /x', te)],
        [GOOD],
      ],
    ),
  ]
}
