import { asked, GOOD, refused, type Row } from '../../support/conformance.ts'
import { head } from '../../support/hostile.ts'

const PATHS = [
  '/',
  '//',
  '//evil.test/x',
  '/http://evil.test/x',
  '/%zz',
  '/%2F%2e%2E/%00',
  '/a//b?x=%20&y=%C3%BC',
  '/a/../b/./c/..',
  '/a/%2e%2e/b',
  '/x?',
  '/?',
  '/x??a?b=c',
  '/x?a#b',
  '/x#',
  '/a\\b|c"<>^`{}',
  `/${'long'.repeat(1000)}?${'q'.repeat(4000)}`,
  "/x;y=1,z:@!$&'()*+",
  '/*',
  '/x?url=http://evil.test/',
]

const ABSOLUTE: [target: string, path: string, host: string][] = [
  ['http://other.test/p?q=1', '/p?q=1', 'other.test'],
  ['http://other.test:81', '/', 'other.test:81'],
  ['http://other.test:/x', '/x', 'other.test:'],
  ['HTTP://user:pass@other.test//p', '//p', 'other.test'],
  ['http://other.test?q', '/?q', 'other.test'],
  ['https://other.test/%zz', '/%zz', 'other.test'],
  ['http://OTHER.test/a/../b', '/a/../b', 'OTHER.test'],
  ['http://[::1]:81/x', '/x', '[::1]:81'],
  ['http://other.test/http://third.test/', '/http://third.test/', 'other.test'],
]

/** The target of a request (RFC 9112, 3.2). */
export function paths(): Row[] {
  return [
    ...PATHS.map((path): Row => [
      `asks a worker for ${path.slice(0, 30)} byte for byte`,
      head(`GET ${path}`),
      undefined,
      [asked(`GET ${path}`)],
      [GOOD],
    ]),
    ...ABSOLUTE.map(([target, path, host]): Row => [
      `turns the absolute ${target} into a path and a Host`,
      head(`GET ${target}`),
      undefined,
      [asked(`GET ${path}`, [`host: ${host}`, `x-forwarded-host: ${host}`])],
      [GOOD],
    ]),
    [
      'an absolute target gives a Host to a client of HTTP/1.0 that has none',
      'GET http://other.test/x HTTP/1.0\r\n\r\n',
      undefined,
      [asked('GET /x', ['host: other.test', 'x-forwarded-host: other.test', 'via: 1.0 rondo'])],
      [/^HTTP\/1\.1 200 OK\nconnection: close\n/],
    ],
    ...[
      'http:///x',
      'http://:80/x',
      'http://user@/x',
      'http://a b/x',
      'http://a"b/x',
      'x',
      'example.test:80',
      '?q',
      '/caf\xe9',
      '/a\tb',
    ].map((target): Row => [
      `the target ${target} is a 400, and no worker is asked`,
      head(`GET ${target}`),
      undefined,
      [],
      [refused(400)],
    ]),
    [
      'an absolute target does not excuse two Hosts',
      head('GET http://other.test/x', 'Host: third.test'),
      undefined,
      [],
      [refused(400)],
    ],
    [
      'a head of more than 16 KB is a 431, and no worker is asked',
      head('GET /x', `X-Big: ${'x'.repeat(20_000)}`),
      undefined,
      [],
      [refused(431)],
    ],
  ]
}
