function answer(...lines: string[]): string {
  return `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\nok`
}

function first(line: string): string {
  return `${line}\r\nContent-Length: 2\r\n\r\nok`
}

const LENGTH = 'Content-Length: 2'
const CHUNKED = 'Transfer-Encoding: chunked'

/** Responses whose head cannot be read in one way only. */
export const MALFORMED_HEADS: [what: string, answer: string][] = [
  ...[
    'HTTP/1.1 20',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.1 -200 OK',
    'HTTP/1.1 +200 OK',
    'HTTP/1.1 OK',
    'HTTP/1.1200 OK',
    'HTTP/1.1',
  ].map((line): [string, string] => [`the status line ${line}`, first(line)]),
  ...['HTTP/1.2', 'HTTP/3.0', 'HTTP/11', 'http/1.1', 'HTTPS/1.1', 'ICY', ' HTTP/1.1', 'xHTTP/1.1'].map(
    (version): [string, string] => [`the version ${JSON.stringify(version)}`, first(`${version} 200 OK`)],
  ),
  ['a request', 'GET /x HTTP/1.1\r\nHost: example.test\r\n\r\n'],
  ['a bare LF behind the status line', `HTTP/1.1 200 OK\n${LENGTH}\r\n\r\nok`],
  ['a bare LF behind a header', answer(`X-Mine: 1\n${LENGTH}`)],
  ['a bare LF at the end of the head', `HTTP/1.1 200 OK\r\n${LENGTH}\r\n\nok`],
  ['bare LFs only', `HTTP/1.1 200 OK\n${LENGTH}\n\nok`],
  ['a bare CR behind the status line', `HTTP/1.1 200 OK\r${LENGTH}\r\n\r\nok`],
  ['a bare CR in a name', answer('X-\rMine: 1', LENGTH)],
  ['a bare CR in a value', answer('X-Mine: a\rSet-Cookie: evil=1', LENGTH)],
  ['a bare CR behind a value', answer('X-Mine: a\r', LENGTH)],
  ['a bare CR at the end of the head', `HTTP/1.1 200 OK\r\n${LENGTH}\r\n\rok`],
  ['a folded header', answer('X-Mine: a\r\n b', LENGTH)],
  ['a header folded by a tab', answer('X-Mine: a\r\n\tb', LENGTH)],
  ['a folded first header', answer(' X-Mine: a', LENGTH)],
  ['a folded length', answer('Content-Length:\r\n 2')],
  ['a folded coding', answer('Transfer-Encoding:\r\n chunked')],
  ...['\0', '\x01', '\x0b', '\x7f'].flatMap((control): [string, string][] => {
    const name = JSON.stringify(control).replace('\x7f', '\\x7f')
    return [
      [`${name} in a name`, answer(`X-${control}Mine: 1`, LENGTH)],
      [`${name} in a value`, answer(`X-Mine: a${control}b`, LENGTH)],
    ]
  }),
  ['a space in a name', answer('X Mine: 1', LENGTH)],
  ['a space before a colon', answer('X-Mine : 1', LENGTH)],
  ['a name that is not ASCII', answer('X-M\xefne: 1', LENGTH)],
  ['a name of nothing', answer(': 1', LENGTH)],
  ['no colon', answer('X-Mine', LENGTH)],
  ['a length and chunks', answer(LENGTH, CHUNKED)],
  ['chunks and a length', answer(CHUNKED, LENGTH)],
  ['no length and chunks', answer('Content-Length: 0', CHUNKED)],
  ['two lengths that differ', answer(LENGTH, 'Content-Length: 3')],
  ['two lengths, one of them none', answer(LENGTH, 'Content-Length: 0')],
  ...['2, 3', '+2', '-2', '0x2', '2.0', '2e0', '2 2', '2;', '"2"', '', '\x0b2', '9'.repeat(20)].map(
    (value): [string, string] => [`the length ${JSON.stringify(value)}`, answer(`Content-Length: ${value}`)],
  ),
  ['a space before the colon of a length', answer('Content-Length : 2')],
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding: chunked;a=b',
    'Transfer-Encoding: "chunked"',
  ].map((field): [string, string] => [
    JSON.stringify(field),
    `${answer(field).slice(0, -2)}2\r\nok\r\n0\r\n\r\n`,
  ]),
  ['the codings chunked and identity in two lines', answer(CHUNKED, 'Transfer-Encoding: identity')],
  ['the codings identity and chunked in two lines', answer('Transfer-Encoding: identity', CHUNKED)],
  ['the coding chunked in two lines', answer(CHUNKED, CHUNKED)],
  ['an unknown coding and a length', answer('Transfer-Encoding: xchunked', LENGTH)],
  ['a name of 100 KB', answer(`${'x'.repeat(100_000)}: 1`, LENGTH)],
  ['10,000 headers', answer(...Array<string>(10_000).fill('X-Mine: 1'), LENGTH)],
  ['an interim answer that is none', `HTTP/1.1 103 Early Hints\r\nX-Mine\r\n\r\n${answer(LENGTH)}`],
]

/** Bodies in chunks that cannot be read in one way only. */
export const BROKEN_CHUNKS: [what: string, body: string][] = [
  ...['-2', '+2', '0x2', '2h', 'g', '', ' 2', '\t2', '2,2', 'f'.repeat(17), `1${'0'.repeat(16)}`].map(
    (size): [string, string] => [`the chunk size ${JSON.stringify(size)}`, `${size}\r\nok\r\n0\r\n\r\n`],
  ),
  ['a bare LF behind a chunk size', '2\nok\r\n0\r\n\r\n'],
  ['a bare LF behind a chunk', '2\r\nok\n0\r\n\r\n'],
  ['a bare LF behind the last chunk size', '2\r\nok\r\n0\n\r\n'],
  ['a bare LF in a chunk extension', '2;a\nb\r\nok\r\n0\r\n\r\n'],
  ['a bare CR behind a chunk size', '2\rok\r\n0\r\n\r\n'],
  ['a bare CR behind a chunk', '2\r\nok\r0\r\n\r\n'],
  ['a bare CR in a chunk extension', '2;a\rb\r\nok\r\n0\r\n\r\n'],
  ['a zero in a chunk extension', '2;a\0b\r\nok\r\n0\r\n\r\n'],
  ['a chunk longer than its size', '2\r\noki\r\n0\r\n\r\n'],
  ['a chunk without an end', '2\r\nok0\r\n\r\n'],
  ['a trailer without a colon', '2\r\nok\r\n0\r\nX-Sum\r\n\r\n'],
  ['a bare LF in a trailer', '2\r\nok\r\n0\r\nX-Sum: 1\n\r\n'],
  ['a folded trailer', '2\r\nok\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n'],
  ['a zero in a trailer', '2\r\nok\r\n0\r\nX-Sum: a\0b\r\n\r\n'],
  ['a length for a trailer', '2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n'],
  ['100 KB of trailers', `2\r\nok\r\n0\r\nX-Sum: ${'x'.repeat(100_000)}\r\n\r\n`],
]
