import { asked, GOOD, GOOD_AND_CLOSED, type Row } from '../../support/conformance.ts'
import { head } from '../../support/hostile.ts'

const CLAIMS = [
  'X-Forwarded-For: 6.6.6.6',
  'X-Forwarded-For: 7.7.7.7, 8.8.8.8',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: shop.test',
  'X-Forwarded-Port: 443',
  'X-Real-IP: 6.6.6.6',
  'Forwarded: for=6.6.6.6;proto=https',
]

const KEPT = [
  'x-forwarded-for: 6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1',
  'x-forwarded-proto: https',
  'x-forwarded-host: shop.test',
  'x-forwarded-port: 443',
  'x-real-ip: 6.6.6.6',
]

/** What workers are told of the client and of the way to it (RFC 9110, 7.6.3; RFC 7239). */
export function forwarded(): Row[] {
  return [...claims(), ...ways(), ...ids()]
}

function claims(): Row[] {
  return [
    [
      'what a stranger claims of where it comes from is replaced',
      head('GET /x', ...CLAIMS),
      undefined,
      [asked('GET /x')],
      [GOOD],
    ],
    [
      'what a trusted proxy says of where it comes from is kept, and its own address appended',
      head('GET /x', ...CLAIMS),
      undefined,
      [asked('GET /x', [...KEPT, 'forwarded: for=6.6.6.6;proto=https'])],
      [GOOD],
      { isTrusted: true },
    ],
    [
      'a trusted proxy that says nothing is told of as any client is',
      head('GET /x'),
      undefined,
      [asked('GET /x')],
      [GOOD],
      { isTrusted: true },
    ],
    [
      'an empty chain of a trusted proxy begins with its own address',
      head('GET /x', 'X-Forwarded-For:'),
      undefined,
      [asked('GET /x')],
      [GOOD],
      { isTrusted: true },
    ],
    [
      'Forwarded tells what X-Forwarded-* tell, where it is asked for, and nothing a stranger claims',
      head('GET /x', ...CLAIMS),
      undefined,
      [asked('GET /x', ['forwarded: for=127.0.0.1;host=example.test;proto=http'])],
      [GOOD],
      { balance: { forwarded: true } },
    ],
    [
      "Forwarded is appended to a trusted proxy's",
      head('GET /x', ...CLAIMS),
      undefined,
      [
        asked('GET /x', [
          ...KEPT,
          'forwarded: for=6.6.6.6;proto=https, for=127.0.0.1;host=example.test;proto=http',
        ]),
      ],
      [GOOD],
      { isTrusted: true, balance: { forwarded: true } },
    ],
    [
      'a port in Forwarded stands in quotes',
      'GET /x HTTP/1.1\r\nHost: example.test:8080\r\n\r\n',
      undefined,
      [
        asked('GET /x', [
          'host: example.test:8080',
          'x-forwarded-host: example.test:8080',
          'forwarded: for=127.0.0.1;host="example.test:8080";proto=http',
        ]),
      ],
      [GOOD],
      { balance: { forwarded: true } },
    ],
    [
      'a client of HTTP/1.0 without a Host has none in Forwarded nor in X-Forwarded-Host',
      'GET /x HTTP/1.0\r\n\r\n',
      undefined,
      [
        asked('GET /x', [
          'host: {worker}',
          'via: 1.0 rondo',
          '!x-forwarded-host',
          'forwarded: for=127.0.0.1;proto=http',
        ]),
      ],
      [GOOD_AND_CLOSED],
      { balance: { forwarded: true } },
    ],
    [
      'other headers with such names are the application’s',
      head('GET /x', 'X-Forwarded-Prefix: /shop', 'X-Forwarded-User: me', 'X-Real-Name: me'),
      undefined,
      [asked('GET /x', ['x-forwarded-prefix: /shop', 'x-forwarded-user: me', 'x-real-name: me'])],
      [GOOD],
    ],
  ]
}

function ways(): Row[] {
  return [
    [
      "the balancer is appended to a client's Via, whoever it is",
      head('GET /x', 'Via: 1.0 fred, 1.1 p.example.net (Apache/1.1)', 'via: HTTP/2 edge'),
      undefined,
      [asked('GET /x', ['via: 1.0 fred, 1.1 p.example.net (Apache/1.1), HTTP/2 edge, 1.1 rondo'])],
      [GOOD],
    ],
    ['an empty Via is none', head('GET /x', 'Via:'), undefined, [asked('GET /x')], [GOOD]],
    [
      'Via bears the name that was given',
      head('GET /x', 'Via: 1.1 fred'),
      undefined,
      [asked('GET /x', ['via: 1.1 fred, 1.1 edge-1.example'])],
      [GOOD],
      { balance: { via: 'edge-1.example' } },
    ],
    [
      'Via tells the version that the client spoke',
      'GET /x HTTP/1.0\r\nHost: example.test\r\n\r\n',
      undefined,
      [asked('GET /x', ['via: 1.0 rondo'])],
      [GOOD_AND_CLOSED],
    ],
  ]
}

function ids(): Row[] {
  return [
    [
      "a client's X-Request-Id is passed on",
      head('GET /x', 'X-Request-ID: abc-123'),
      undefined,
      [asked('GET /x', ['x-request-id: abc-123'])],
      [GOOD],
    ],
  ]
}
