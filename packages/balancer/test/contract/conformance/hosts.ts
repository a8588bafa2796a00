import { asked, GOOD, refused, type Row } from '../../support/conformance.ts'
import { head } from '../../support/hostile.ts'

const INVALID_HOSTS = [
  'a b',
  'a/b',
  'me@example.test',
  'one.test, two.test',
  'example.test:80:81',
  'example.test:port',
  'a"b',
  'a<b>',
  'a\\b',
  'a?b',
  'a#b',
  '[::1',
  '::1',
  'a%zz',
  'caf\xe9.test',
]

const VALID_HOSTS = [
  'EXAMPLE.test',
  'example.test:8080',
  'example.test:',
  '[::1]:81',
  '127.0.0.1',
  'a_b.test',
  'a%41.test',
  "!$&'()*+;=~-._",
]

/** The one Host of a request (RFC 9112, 3.2; RFC 9110, 7.2). */
export function hosts(): Row[] {
  return [
    ...VALID_HOSTS.map((host): Row => [
      `Host: ${host} reaches the worker as it is`,
      `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      undefined,
      [asked('GET /x', [`host: ${host}`, `x-forwarded-host: ${host}`])],
      [GOOD],
    ]),
    [
      'an empty Host reaches the worker as it is, or is a 400',
      'GET /x HTTP/1.1\r\nHost:\r\n\r\n',
      undefined,
      [/^(nothing$|GET [^]*^host: $)/m],
      [/^HTTP\/1\.1 (200|400) /],
    ],
    ...INVALID_HOSTS.map((host): Row => [
      `Host: ${host} is a 400, and no worker is asked`,
      `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      undefined,
      [],
      [refused(400)],
    ]),
    ...['hOST: other.test', 'Host: example.test'].map((second): Row => [
      `a second ${second} is a 400, and no worker is asked`,
      head('GET /x', second),
      undefined,
      [],
      [refused(400)],
    ]),
    [
      'a request of HTTP/1.1 without a Host is a 400, and no worker is asked',
      'GET /x HTTP/1.1\r\nAccept: */*\r\n\r\n',
      undefined,
      [],
      [refused(400)],
    ],
    [
      "the worker's own Host, where it is asked for, and the client's beside it",
      head('GET /x', 'X-Forwarded-Host: evil.test'),
      undefined,
      [asked('GET /x', ['host: {worker}'])],
      [GOOD],
      { balance: { host: 'worker' } },
    ],
    [
      "the worker's own Host, and what a trusted proxy says of the client's",
      head('GET /x', 'X-Forwarded-Host: shop.test'),
      undefined,
      [asked('GET /x', ['host: {worker}', 'x-forwarded-host: shop.test'])],
      [GOOD],
      { isTrusted: true, balance: { host: 'worker' } },
    ],
    [
      "the worker's own Host for an absolute target",
      head('GET http://other.test/x'),
      undefined,
      [asked('GET /x', ['host: {worker}', 'x-forwarded-host: other.test'])],
      [GOOD],
      { balance: { host: 'worker' } },
    ],
  ]
}
