import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { lineOf } from '../src/config/fault.ts'
import { parse } from '../src/config/load.ts'

const METRICS =
  'metrics: GET /metrics answers on an address that others may reach; set metrics: off, or listen on 127.0.0.1'
const idle = (ms: number): string =>
  `keepAlive.idle: ${ms} ms is not below the 5000 ms after which Node's servers close idle connections: requests may cross that; use 4s, or have the workers keep theirs longer`

suite('warnings', () => {
  for (const [text, lines, env = {}] of [
    ['', [METRICS]],
    ['listen: 80\n', [`f:1:1: ${METRICS}`]],
    ['listen: 80\nmetrics: on\n', [`f:2:10: ${METRICS}`]],
    ['listen: [127.0.0.1:80, 0.0.0.0:81]\nmetrics: on\n', [`f:2:10: ${METRICS}`]],
    ['listen: [{ port: 80, redirect: 443 }, { port: 81 }]\nmetrics: on\n', [`f:2:10: ${METRICS}`]],
    [
      'metrics: off\nlisten: [80, { port: 443, tls: { cert: none.pem, key: none.key } }]\n',
      [
        'f:2:9: listen: is replaced by the PORT of the environment, 8080, which is plain http; leave PORT unset',
      ],
      { PORT: '8080' },
    ],
    ['listen: 127.0.0.1:80\nmetrics: on\n', [`f:2:10: ${METRICS}`], { PORT: '80' }],
    [
      'metrics: off\nlisten: { port: 80, proxyProtocol: { accept: on } }\ntrustedProxies: [10.0.0.1]\n',
      [
        'f:2:9: listen: is replaced by the PORT of the environment, 8080, which is plain http; leave PORT unset',
      ],
      { PORT: '8080' },
    ],
    ['workers: ["tcp://a:1"]\ntcp: [{ listen: 81, pool: default }]\n', []],
    [
      'metrics: off\nworkers: ["tcp://a:1"]\n',
      ['f:2:10: workers: are for TCP, and no listener is for them; add tcp: [{listen: 6379, pool: default}]'],
    ],
    [
      'metrics: off\npools: { p: { workers: ["tls://a:1"], tls: { servername: a.test } } }\n',
      [
        'f:2:24: pools.p.workers: are for TCP, and no listener is for them; add tcp: [{listen: 6379, pool: p}]',
      ],
    ],
    ['listen: 10.0.0.1:80\nkeepAlive: { idle: 5s }\n', [`f:2:20: ${idle(5000)}`, `f:1:1: ${METRICS}`]],
    [
      'metrics: off\npools:\n  api: { workers: [http://a:1], keepAlive: { idle: 1m } }\n',
      [`f:3:52: pools.api.${idle(60_000)}`],
    ],
    [
      'metrics: off\nfailover: { attempts: 4, deadline: 10s }\n',
      [
        'f:2:36: failover.deadline: 10000 ms is over before 4 attempts of 3000 ms to connect; raise it, or lower timeouts.connect',
      ],
    ],
    [
      'metrics: off\npools:\n  api: { workers: [http://a:1], timeouts: { connect: 21s } }\n',
      [
        'f:3:8: pools.api.failover.deadline: 60000 ms is over before 3 attempts of 21000 ms to connect; raise it, or lower timeouts.connect',
      ],
    ],
  ] as const satisfies readonly (readonly [string, readonly string[], NodeJS.ProcessEnv?])[])
    test(`${JSON.stringify(text)} ${JSON.stringify(env)}`, () => {
      assert.deepEqual(
        parse('f', text, env).warnings.map((warning) => lineOf('f', warning)),
        lines,
      )
    })

  for (const text of [
    'metrics: off\n',
    'listen: 127.0.0.1:80\n',
    'listen: ["[::1]:80", localhost:81, 127.1.2.3:82]\nmetrics: on\n',
    'listen: [{ port: 80, redirect: 443 }, { port: 81, host: "::1" }]\n',
    'metrics: off\nkeepAlive: { idle: 4999ms }\n',
    'metrics: off\nfailover: { attempts: 4, deadline: 12s }\n',
    'metrics: off\nfailover: { attempts: 4, deadline: 4s }\ntimeouts: { connect: 1s }\n',
    'metrics: off\npools: { api: { workers: [http://a:1], timeouts: { connect: 20s } } }\n',
  ])
    test(`none of ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parse('f', text, {}).warnings, [])
    })
})
