import { head } from '../support/hostile.ts'

const CHUNKED = 'Transfer-Encoding: chunked'

function line(text: string): string {
  return `${text}\r\nHost: example.test\r\n\r\n`
}

function host(...lines: string[]): string {
  return `${['GET /x HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`
}

function length(...lines: string[]): string {
  return `${head('POST /x', ...lines)}abcde`
}

function coding(...lines: string[]): string {
  return `${head('POST /x', ...lines)}0\r\n\r\n`
}

function chunks(body: string): string {
  return head('POST /x', CHUNKED) + body
}

/** Requests whose head cannot be read in one way only. */
export const UNREADABLE: [what: string, bytes: string][] = [
  ['a bare LF behind the first line', 'GET /x HTTP/1.1\nHost: example.test\r\n\r\n'],
  ['a bare LF behind a header', 'GET /x HTTP/1.1\r\nHost: example.test\nX-Mine: 1\r\n\r\n'],
  ['a bare LF at the end of the head', 'GET /x HTTP/1.1\r\nHost: example.test\r\n\n'],
  ['bare LFs only', 'GET /x HTTP/1.1\nHost: example.test\n\n'],
  ['a bare LF in the path', line('GET /a\nb HTTP/1.1')],
  ['a bare CR behind the first line', 'GET /x HTTP/1.1\rHost: example.test\r\n\r\n'],
  ['a bare CR in the path', line('GET /a\rb HTTP/1.1')],
  ['a bare CR in a name', head('GET /x', 'X-\rMine: 1')],
  ['a bare CR in a value', head('GET /x', 'X-Mine: a\rContent-Length: 9')],
  ['a bare CR behind a value', head('GET /x', 'X-Mine: a\r\r')],
  ['a bare CR at the end of the head', 'GET /x HTTP/1.1\r\nHost: example.test\r\n\r'],
  ...['\0', '\x01', '\x0b', '\x1b', '\x7f'].flatMap((control): [string, string][] => {
    const name = JSON.stringify(control).replace('\x7f', '\\x7f')
    return [
      [`${name} in the path`, line(`GET /a${control}b HTTP/1.1`)],
      [`${name} in a name`, head('GET /x', `X-${control}Mine: 1`)],
      [`${name} in a value`, head('GET /x', `X-Mine: a${control}b`)],
    ]
  }),
  ['a tab in the path', line('GET /a\tb HTTP/1.1')],
  ['a form feed in the path', line('GET /a\fb HTTP/1.1')],
  ['a space in the path', line('GET /a b HTTP/1.1')],
  ['a space before the method', line(' GET /x HTTP/1.1')],
  ['a tab behind the method', line('GET\t/x HTTP/1.1')],
  ['a method in small letters', line('get /x HTTP/1.1')],
  ['a method that nobody knows', line('FROB /x HTTP/1.1')],
  ['no path', line('GET HTTP/1.1')],
  ['a path without a slash', line('GET x HTTP/1.1')],
  ['a space in a name', head('GET /x', 'X Mine: 1')],
  ['a tab in a name', head('GET /x', 'X\tMine: 1')],
  ['a space before a colon', head('GET /x', 'X-Mine : 1')],
  ['a bracket in a name', head('GET /x', 'X[Mine: 1')],
  ['a name that is not ASCII', head('GET /x', 'X-M\xefne: 1')],
  ['a name of nothing', head('GET /x', ': 1')],
  ['no colon', head('GET /x', 'X-Mine')],
  ['a folded line', head('GET /x', 'X-Mine: 1\r\n 2')],
  ['a line folded by a tab', head('GET /x', 'X-Mine: 1\r\n\t2')],
  ['a folded first line', 'GET /x HTTP/1.1\r\n X-Mine: 1\r\nHost: example.test\r\n\r\n'],
  ['two Hosts', host('Host: example.test', 'Host: other.test')],
  ['two Hosts that are the same', host('Host: example.test', 'host: example.test')],
  ['no Host', host('X-Mine: 1')],
  ['a folded Host', host('Host: example.test\r\n other.test')],
  ...[
    '',
    'a%zz',
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'a@b',
    'a\\b',
    'a"b',
    '<a>',
    'a:b',
    'a:80:80',
    '[::1',
    '::1',
    'caf\xe9',
    'http://a',
  ].map((name): [string, string] => [`the Host ${name}`, host(`Host: ${name}`)]),
  ['a bad host in its URL', line('GET http://a"b/x HTTP/1.1')],
  ['no host in its URL', line('GET http:///x HTTP/1.1')],
  ['the first line of HTTP/0.9', 'GET /x\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ...[
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/1.10',
    'HTTP/01.1',
    'HTTP/11',
    'HTTP/1',
    'HTTP/2.0',
    'HTTP/2',
    'HTTP/3.0',
  ].map((version): [string, string] => [`the version ${version}`, line(`GET /x ${version}`)]),
  ...['http/1.1', 'Http/1.1', 'HTTPS/1.1', 'HTTP /1.1', 'HTTP/ 1.1', 'HTTP/1.1 x', 'ICE/1.0'].map(
    (version): [string, string] => [`${version} for a version`, line(`GET /x ${version}`)],
  ),
  ['a first line of 100 KB', line(`GET /${'x'.repeat(100_000)} HTTP/1.1`)],
  ['a header of 100 KB', head('GET /x', `X-Mine: ${'x'.repeat(100_000)}`)],
  ['a name of 100 KB', head('GET /x', `${'x'.repeat(100_000)}: 1`)],
  ['10,000 headers', head('GET /x', ...Array<string>(10_000).fill('X-Mine: 1'))],
]

/** Requests whose head leaves open where their body ends. */
export const UNFRAMED: [what: string, bytes: string][] = [
  ['a length and chunks', coding('Content-Length: 5', CHUNKED)],
  ['chunks and a length', coding(CHUNKED, 'Content-Length: 5')],
  ['no length and chunks', coding('Content-Length: 0', CHUNKED)],
  ['two lengths that differ', length('Content-Length: 5', 'Content-Length: 6')],
  ['two lengths, one of them none', length('Content-Length: 5', 'Content-Length: 0')],
  ...[
    '5, 6',
    '5, 5',
    '+5',
    '-5',
    '0x5',
    '5.0',
    '5e0',
    '5 5',
    '5;',
    '"5"',
    '',
    '\x0b5',
    '\xd9\xa5',
    '9'.repeat(20),
    '1'.repeat(300),
  ].map((value): [string, string] => [
    `the length ${value.slice(0, 20) || 'of nothing'}`,
    length(`Content-Length: ${value}`),
  ]),
  ['a space before the colon of a length', length('Content-Length : 5')],
  ['a folded length', length('Content-Length:\r\n 5')],
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunkedx',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked,',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: chunked;a=b',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding: chunked\x0b',
    'Transfer-Encoding: \xa0chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: chun\r\n ked',
    'Transfer-Encoding:',
    'Transfer\0Encoding: chunked',
    ' Transfer-Encoding: chunked',
  ].map((field): [string, string] => [JSON.stringify(field), coding('X-Mine: 1', field)]),
  ['chunks of HTTP/1.0', coding(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0')],
  ['the codings chunked and identity in two lines', coding(CHUNKED, 'Transfer-Encoding: identity')],
  ['the codings identity and chunked in two lines', coding('Transfer-Encoding: identity', CHUNKED)],
  ['the coding chunked in two lines', coding(CHUNKED, CHUNKED)],
  [
    'chunks in a coding that nobody knows, and a length',
    length('Transfer-Encoding: xchunked', 'Content-Length: 5'),
  ],
]

/** Requests in chunks that do not add up. */
export const UNCHUNKED: [what: string, bytes: string][] = [
  ...[
    '-3',
    '+3',
    '0x3',
    '3h',
    'g',
    '',
    ' 3',
    '3 ',
    '\t3',
    '3\x0b',
    '3,3',
    'f'.repeat(17),
    '1' + '0'.repeat(16),
    '0'.repeat(99) + 'x',
  ].map((size): [string, string] => [
    `the chunk size ${JSON.stringify(size.slice(0, 20))}`,
    chunks(`${size}\r\nabc\r\n0\r\n\r\n`),
  ]),
  ['a bare LF behind a chunk size', chunks('3\nabc\r\n0\r\n\r\n')],
  ['a bare LF behind a chunk', chunks('3\r\nabc\n0\r\n\r\n')],
  ['a bare LF behind the last chunk size', chunks('3\r\nabc\r\n0\n\r\n')],
  ['a bare LF at the end of the chunks', chunks('3\r\nabc\r\n0\r\n\n')],
  ['a bare LF in a chunk extension', chunks('3;a\nb\r\nabc\r\n0\r\n\r\n')],
  ['a bare CR behind a chunk size', chunks('3\rabc\r\n0\r\n\r\n')],
  ['a bare CR behind a chunk', chunks('3\r\nabc\r0\r\n\r\n')],
  ['a bare CR in a chunk extension', chunks('3;a\rb\r\nabc\r\n0\r\n\r\n')],
  ['a zero in a chunk extension', chunks('3;a\0b\r\nabc\r\n0\r\n\r\n')],
  ['100 KB of chunk extensions', chunks(`3;${'x'.repeat(100_000)}\r\nabc\r\n0\r\n\r\n`)],
  ['a chunk longer than its size', chunks('3\r\nabcd\r\n0\r\n\r\n')],
  ['a chunk without an end', chunks('3\r\nabc0\r\n\r\n')],
  ['a bare LF in a trailer', chunks('3\r\nabc\r\n0\r\nX-Sum: 1\n\r\n')],
  ['a trailer without a colon', chunks('3\r\nabc\r\n0\r\nX-Sum\r\n\r\n')],
  ['a folded trailer', chunks('3\r\nabc\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n')],
  ['a length for a trailer', chunks('3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n')],
  ['a coding for a trailer', chunks('3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n')],
  ['100 KB of trailers', chunks(`3\r\nabc\r\n0\r\nX-Sum: ${'x'.repeat(100_000)}\r\n\r\n`)],
]
