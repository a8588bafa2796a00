import { answered, asked, declined, GOOD, refused, withoutBody, type Row } from '../../support/conformance.ts'
import { head } from '../../support/hostile.ts'

/** Methods, with bodies and without (RFC 9110, 9.3). */
export function methods(): Row[] {
  return [...bodies(), ...refusals()]
}

function bodies(): Row[] {
  const length = ['content-length: 2']
  return [
    ...[
      'GET',
      'DELETE',
      'OPTIONS',
      'PROPFIND',
      'REPORT',
      'PURGE',
      'M-SEARCH',
      'SEARCH',
      'QUERY',
      'UNLOCK',
    ].map((method): Row => [
      `a ${method} without a body has none at the worker`,
      head(`${method} /x`),
      undefined,
      [withoutBody(`${method} /x`)],
      [GOOD],
    ]),
    ...['POST', 'PUT', 'PATCH'].map((method): Row => [
      `a ${method} of no length is one of length 0`,
      head(`${method} /x`),
      undefined,
      [asked(`${method} /x`, ['content-length: 0'])],
      [GOOD],
    ]),
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET', 'QUERY'].flatMap((method): Row[] => [
      [
        `a ${method} with a body keeps its length`,
        `${head(`${method} /x`, 'Content-Length: 2')}hi`,
        undefined,
        [asked(`${method} /x`, length, 'hi')],
        [GOOD],
      ],
      [
        `a ${method} with a length of 0 has no body at the worker`,
        head(`${method} /x`, 'Content-Length: 0'),
        undefined,
        [withoutBody(`${method} /x`)],
        [GOOD],
      ],
    ]),
    [
      'a HEAD has the length of the body and no body',
      head('HEAD /x'),
      'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
      [asked('HEAD /x')],
      [answered('200 OK', ['content-length: 1234'])],
    ],
    [
      'a HEAD may be told of chunks, and gets none',
      head('HEAD /x'),
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      [asked('HEAD /x')],
      [/^HTTP\/1\.1 200 OK\nconnection: keep-alive\ndate: \{now\}\n(transfer-encoding: chunked\n)?\n$/],
    ],
    [
      'a HEAD of no length gets no length',
      head('HEAD /x'),
      'HTTP/1.1 200 OK\r\nETag: "x"\r\n\r\n',
      [asked('HEAD /x')],
      [
        /^HTTP\/1\.1 200 OK\nconnection: keep-alive\ndate: \{now\}\netag: "x"\n(transfer-encoding: chunked\n)?\n$/,
      ],
    ],
    [
      'a HEAD that the worker fails has the head of an error and no body',
      head('HEAD /x'),
      'garbage\r\n\r\n',
      [asked('HEAD /x')],
      [declined(502)],
    ],
    [
      'a HEAD that is refused has the head of an error and no body',
      head('HEAD /x', 'Host: other.test'),
      undefined,
      [],
      [refused(400)],
    ],
    [
      'an error closes the connection of a client that asks for it',
      head('GET /x', 'Connection: close'),
      'garbage\r\n\r\n',
      [asked('GET /x')],
      [refused(502)],
    ],
    [
      'a HEAD is told of an error as a GET is, without the body',
      head('HEAD /x'),
      'HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nContent-Type: text/plain\r\n\r\n',
      [asked('HEAD /x')],
      [answered('404 Not Found', ['content-length: 9', 'content-type: text/plain'])],
    ],
  ]
}

function refusals(): Row[] {
  return [
    ...['FOO', 'get', 'GETS', 'G\xe9T', 'GE(T'].map((method): Row => [
      `the method ${method}, which Node does not know, is refused, and no worker is asked`,
      head(`${method} /x`),
      undefined,
      [],
      [refused(400, 501)],
    ]),
    ...['example.test:443', '/x'].map((target): Row => [
      `CONNECT ${target} opens no tunnel, and no worker is asked`,
      head(`CONNECT ${target}`),
      undefined,
      [],
      [/^cut: $|^HTTP\/1\.1 (400|405|501) [^]*^connection: close$/m],
    ]),
    [
      'a target of * for anything but OPTIONS is a 400, and no worker is asked',
      head('GET *'),
      undefined,
      [],
      [refused(400)],
    ],
  ]
}
