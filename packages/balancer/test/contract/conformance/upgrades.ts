import { answered, asked, GOOD_AND_CLOSED, refused, type Row } from '../../support/conformance.ts'
import { head, OK } from '../../support/hostile.ts'
import { upgradeHead } from '../../support/web-sockets.ts'

const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='
const SHAKEN = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13', KEY]
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

function switched(...fields: string[]): string {
  const own = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${ACCEPT}`]
  return `${['HTTP/1.1 101 Switching Protocols', ...own, ...fields].join('\r\n')}\r\n\r\n`
}

function stands(...lines: string[]): string {
  const own = ['connection: upgrade', 'upgrade: websocket', `sec-websocket-accept: ${ACCEPT}`]
  return answered('101 Switching Protocols', [...own, ...lines])
}

/** The head of a WebSocket is that of any request, both ways (RFC 6455, 4; RFC 9110, 7.8). */
export function upgrades(): Row[] {
  return [...requests(), ...responses(), ...others()]
}

function requests(): Row[] {
  const row = (what: string, fields: string[], lines: string[], setting: Row[5] = {}): Row => [
    what,
    upgradeHead('/x?y=%zz', 'Upgrade, X-Named', 'X-Named: 1', ...fields),
    switched(),
    [asked('GET /x?y=%zz', [...SHAKEN, ...lines])],
    [stands()],
    setting,
  ]
  const claims = [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Proto: https',
    'X-Real-IP: 6.6.6.6',
    'Forwarded: for=6.6.6.6',
  ]
  return [
    row('a handshake has the headers of a request through a proxy, and no more', [], []),
    row(
      'what belongs to one connection stays behind in a handshake',
      [
        'Keep-Alive: timeout=9',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eA==',
        'Proxy: evil',
        'TE: gzip',
        'Trailer: X-Sum',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        'X_Forwarded_For: 6.6.6.6',
        'Content_Length: 5',
        'X-Mine: 1',
        'Cookie: a=1',
      ],
      ['cookie: a=1', 'x-mine: 1'],
    ),
    row(
      'what a handshake asks for is passed on',
      [
        'Sec-WebSocket-Protocol: chat, superchat',
        'Sec-WebSocket-Extensions: permessage-deflate',
        'Origin: http://a.test',
      ],
      [
        'origin: http://a.test',
        'sec-websocket-extensions: permessage-deflate',
        'sec-websocket-protocol: chat, superchat',
      ],
    ),
    row('what a stranger claims in a handshake is replaced', claims, []),
    row(
      'what a trusted proxy says in a handshake is kept',
      claims,
      [
        'x-forwarded-for: 6.6.6.6, 127.0.0.1',
        'x-forwarded-proto: https',
        'x-real-ip: 6.6.6.6',
        'forwarded: for=6.6.6.6',
      ],
      { isTrusted: true },
    ),
    row(
      'Via, Forwarded and Host are as they were asked for in a handshake',
      ['Via: 1.1 fred'],
      ['via: 1.1 fred, 1.1 edge', 'host: {worker}', 'forwarded: for=127.0.0.1;host=example.test;proto=http'],
      { balance: { via: 'edge', forwarded: true, host: 'worker' } },
    ),
    row("a client's X-Request-Id is passed on in a handshake", ['X-Request-Id: abc'], ['x-request-id: abc']),
    row('a server that chooses takes a WebSocket for one', [], [], { choosesUpgrades: true }),
    [
      'a handshake is one whatever the case of its words, and what else Connection says',
      upgradeHead('/x', 'keep-alive, uPGRADE').replace('websocket\r\n', 'WebSocket\r\n'),
      switched(),
      [/^GET \/x HTTP\/1\.1\nconnection: upgrade\n[^]*\nupgrade: websocket\n/i],
      [stands()],
    ],
    [
      'an absolute target is turned into a path and a Host in a handshake',
      upgradeHead('http://other.test/x?y', 'Upgrade', 'Expect: 100-continue'),
      switched(),
      [asked('GET /x?y', [...SHAKEN, 'host: other.test', 'x-forwarded-host: other.test'])],
      [stands()],
    ],
    ...[false, true].map((choosesUpgrades): Row => [
      `a handshake of HTTP/1.0 is none to a server that ${choosesUpgrades ? 'chooses' : 'does not choose'}`,
      upgradeHead('/x').replace('HTTP/1.1', 'HTTP/1.0'),
      OK,
      [/^nothing$|^GET \/x HTTP\/1\.1\n(?![^]*upgrade)/],
      [/^HTTP\/1\.1 (200|400|501|505) [^]*^connection: close$/m],
      { choosesUpgrades },
    ]),
    [
      'a handshake with two Hosts is a 400, and no worker is asked',
      upgradeHead('/x', 'Upgrade', 'Host: other.test'),
      undefined,
      [],
      [refused(400)],
    ],
    [
      'a handshake with a Host that is none is a 400, and no worker is asked',
      upgradeHead('/x', 'Upgrade').replace('example.test', 'a/b'),
      undefined,
      [],
      [refused(400)],
    ],
    [
      'a handshake with a body is a 400, and no worker is asked',
      `${upgradeHead('/x', 'Upgrade', 'Content-Length: 2')}hi`,
      undefined,
      [],
      [refused(400)],
    ],
  ]
}

function responses(): Row[] {
  const shaken = [asked('GET /x', SHAKEN)]
  return [
    [
      "what belongs to a worker's connection stays behind in its answer to a handshake",
      upgradeHead('/x'),
      switched(
        'Keep-Alive: timeout=9',
        'Connection: X-Named',
        'X-Named: 1',
        'Proxy-Authenticate: Basic',
        'X-Mine: 1',
      ),
      shaken,
      [stands('x-mine: 1')],
    ],
    [
      'what a worker agrees to in a handshake is passed on',
      upgradeHead('/x'),
      switched('Sec-WebSocket-Protocol: chat', 'Set-Cookie: a=1', 'Set-Cookie: b=2'),
      shaken,
      [stands('sec-websocket-protocol: chat', 'set-cookie: a=1', 'set-cookie: b=2')],
    ],
    [
      'a handshake stands behind early hints',
      upgradeHead('/x'),
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${switched()}`,
      shaken,
      [stands()],
    ],
    [
      'a worker that declines a handshake in chunks is passed on, and the connection ends',
      upgradeHead('/x'),
      'HTTP/1.1 403 Forbidden\r\nConnection: X-Named, close\r\nX-Named: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
      shaken,
      [/^HTTP\/1\.1 403 Forbidden\nconnection: close\n(date: .*\n)?transfer-encoding: chunked\n\nno$/],
    ],
    [
      'a worker that declines a handshake is passed on, and the connection ends',
      upgradeHead('/x'),
      'HTTP/1.1 403 Forbidden\r\nKeep-Alive: timeout=9\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\nno',
      shaken,
      [/^HTTP\/1\.1 403 Forbidden\nconnection: close\ncontent-length: 2\n(date: .*\n)?x-mine: 1\n\nno$/],
    ],
  ]
}

/** Upgrades to anything else. */
function others(): Row[] {
  const tls = head('GET /x', 'Connection: Upgrade', 'Upgrade: TLS/1.0')
  return [
    ['a server that does not choose answers another upgrade 501', tls, undefined, [], [refused(501)]],
    [
      'a server that chooses serves another upgrade as a request, and ends the connection',
      tls,
      undefined,
      [asked('GET /x')],
      [GOOD_AND_CLOSED],
      { choosesUpgrades: true },
    ],
    [
      'a server that chooses tunnels no POST to a WebSocket',
      `${head('POST /x', 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 2')}hi`,
      undefined,
      [asked('POST /x', ['content-length: 2'], 'hi')],
      [GOOD_AND_CLOSED],
      { choosesUpgrades: true },
    ],
  ]
}
