import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parse } from '../src/config/load.ts'

const NO_PROCESSES = 'is no number of processes; give "auto", or a whole number from 1 to 256'

type Case = readonly [text: string, lines: readonly string[], env?: NodeJS.ProcessEnv]

/** Files that are wrong, by what is wrong with them, and all that is said of each. */
const FILES: readonly (readonly [what: string, cases: readonly Case[]])[] = [
  [
    'text that is no YAML',
    [
      [
        'listen: [80\n',
        [
          'rondo.yaml:2:1: is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
        ],
      ],
      [
        'upstream: http://a:1: b\n',
        ['rondo.yaml:1:11: is no YAML: a value has ": " in it; put it in quotes, or on lines of its own'],
      ],
      ['\tlisten: 80\n', ['rondo.yaml:1:1: is no YAML: a tab indents the line; use spaces']],
      ['listen: "80\n', ['rondo.yaml:2:1: is no YAML: Missing closing quote']],
      [
        'listen: 80\n---\nlisten: 81\n',
        ['rondo.yaml:2:1: is a second document; leave out the "---" and what follows'],
      ],
      [
        'workers: [http://a:1]\n  strategy: ip-hash\n',
        ['rondo.yaml:2:1: is no YAML: All mapping items must start at the same column'],
      ],
      [
        'listen: *x\n',
        ['rondo.yaml:1:9: listen: names no anchor before it; put a text that begins with "*" in quotes'],
      ],
      [
        'listen: &x [*x]\n',
        ['rondo.yaml:1:13: listen[0]: names no anchor before it; put a text that begins with "*" in quotes'],
      ],
      [
        'listen: !port 80\n',
        ['rondo.yaml:1:9: is a tag, and there are none; put a text that begins with "!" in quotes'],
      ],
      ['? [listen]\n: 80\n', ['rondo.yaml:1:3: is no key; give a text']],
      [
        'workers: [http://${HOST}:80]\n',
        [
          'rondo.yaml:1:19: is no YAML: Missing , or : between flow sequence items; within [] and {}, put values with "${" in quotes',
        ],
      ],
      [
        '{"listen": 80 "metrics": "off"}',
        [
          'rondo.yaml:1:12: is no YAML: something is out of place from here on; look for a comma that is missing',
        ],
      ],
      [
        '{"listen": 80\n"metrics": "off"}',
        [
          'rondo.yaml:1:12: is no YAML: something is out of place from here on; look for a comma that is missing',
        ],
      ],
      [
        '{"workers": ["http://a:1"}',
        [
          'rondo.yaml:1:26: is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
        ],
      ],
    ],
  ],
  [
    'keys that are there twice',
    [
      [
        'listen: 80\nmetrics: off\nlisten: 81\n',
        ['rondo.yaml:3:1: listen: is there twice; leave one of them out'],
      ],
      [
        '{"limits": {"body": "1KiB", "body": "2KiB"}}',
        ['rondo.yaml:1:29: limits.body: is there twice; leave one of them out'],
      ],
      [
        'routes:\n  - { path: /a, pool: default, path: /b }\n  - { pool: default, pool: default }\n',
        [
          'rondo.yaml:2:32: routes[0].path: is there twice; leave one of them out',
          'rondo.yaml:3:22: routes[1].pool: is there twice; leave one of them out',
        ],
      ],
    ],
  ],
  [
    'what is no object',
    [
      [
        '- listen: 80\n',
        ['rondo.yaml:1:1: [{"listen":80}] is no config; begin it as "workers: [http://host:port]"'],
      ],
      [
        'listen 80\n',
        ['rondo.yaml:1:1: "listen 80" is no config; begin it as "workers: [http://host:port]"'],
      ],
      ['{"listen": 80}}', ['rondo.yaml:1:15: is no YAML: Unexpected flow-map-end token in YAML stream']],
      [
        'pools: [http://a:1]\n',
        [
          'rondo.yaml:1:8: pools: ["http://a:1"] is no object; write it as {api: {workers: ["http://host:port"]}}',
        ],
      ],
      [
        'pools:\n  api:\n',
        [
          'rondo.yaml:2:7: pools.api: is empty; give one with workers, strategy, forwarder, sticky, health, failover, timeouts, keepAlive, drain, breaker, slowStart, tls or limits',
        ],
      ],
      [
        'pools:\n  api: [http://a:1]\n',
        [
          'rondo.yaml:2:8: pools.api: ["http://a:1"] is no object; give one with workers, strategy, forwarder, sticky, health, failover, timeouts, keepAlive, drain, breaker, slowStart, tls or limits',
        ],
      ],
      [
        'limits: 64KiB\n',
        ['rondo.yaml:1:9: limits: "64KiB" is no object; give one with header, body or connections'],
      ],
      [
        'health: /health\n',
        [
          'rondo.yaml:1:9: health: "/health" is no object; give one with schedule, type, port, path, send, expect, timeout, rise or fall',
        ],
      ],
      [
        'timeouts: 5s\n',
        [
          'rondo.yaml:1:11: timeouts: "5s" is no object; give one with connect, response, idle, body or upgrade',
        ],
      ],
      ['keepAlive: 5s\n', ['rondo.yaml:1:12: keepAlive: "5s" is no object; give one with idle']],
      [
        'failover: 3\n',
        ['rondo.yaml:1:11: failover: 3 is no object; give one with attempts, deadline, budget or retryOn'],
      ],
      [
        'sticky: true\n',
        ['rondo.yaml:1:9: sticky: (hidden) is no object; give one with secret, name, path or maxAge'],
      ],
      [
        'strategy: { hash: path }\n',
        [
          'rondo.yaml:1:19: strategy.hash: "path" does not say by what; write it as {by: header, name: x-user}',
        ],
      ],
      [
        'routes:\n  - api\n',
        ['rondo.yaml:2:5: routes[0]: "api" is no route; write it as {path: /api, pool: api}'],
      ],
      [
        'routes: [{ answer: 404 }]\n',
        ['rondo.yaml:1:20: routes[0].answer: 404 is no object; give one with status, body or type'],
      ],
      [
        'routes: [{ redirect: /new }]\n',
        ['rondo.yaml:1:22: routes[0].redirect: "/new" is no object; give one with to or status'],
      ],
      [
        'routes: [{ pool: default, headers: [cookie] }]\n',
        ['rondo.yaml:1:36: routes[0].headers: ["cookie"] is no object; give one with set or remove'],
      ],
    ],
  ],
  [
    'unknown keys, with the nearest that there is,',
    [
      ['lisen: 80\n', ['rondo.yaml:1:1: lisen: is unknown; did you mean "listen"?']],
      [
        'trustedproxies: []\n',
        ['rondo.yaml:1:1: trustedproxies: is unknown; did you mean "trustedProxies"?'],
      ],
      [
        'server: { port: 80 }\n',
        [
          'rondo.yaml:1:1: server: is unknown; use listen, tcp, strategy, forwarder, sticky, health, failover, timeouts, keepAlive, drain, breaker, slowStart, tls, workers, pools, routes, limits, trustedProxies, metrics, log, admin, processes or shutdown',
        ],
      ],
      [
        '$ref: x\n',
        [
          'rondo.yaml:1:1: $ref: is unknown; use listen, tcp, strategy, forwarder, sticky, health, failover, timeouts, keepAlive, drain, breaker, slowStart, tls, workers, pools, routes, limits, trustedProxies, metrics, log, admin, processes or shutdown',
        ],
      ],
      [
        'pools:\n  api:\n    workers: [http://a:1]\n    stratgy: ip-hash\n',
        ['rondo.yaml:4:5: pools.api.stratgy: is unknown; did you mean "strategy"?'],
      ],
      [
        'pools: { api: { workers: [{ url: http://a:1, wieght: 2 }] } }\n',
        ['rondo.yaml:1:46: pools.api.workers[0].wieght: is unknown; did you mean "weight"?'],
      ],
      [
        'health: { interval: 2s }\n',
        [
          'rondo.yaml:1:11: health.interval: is unknown; use schedule, type, port, path, send, expect, timeout, rise or fall',
        ],
      ],
      [
        'failover: { budget: { ration: 1 } }\n',
        ['rondo.yaml:1:23: failover.budget.ration: is unknown; did you mean "ratio"?'],
      ],
      [
        'failover: { retries: 1 }\n',
        ['rondo.yaml:1:13: failover.retries: is unknown; did you mean "retryOn"?'],
      ],
      [
        'timeouts: { conect: 1s }\n',
        ['rondo.yaml:1:13: timeouts.conect: is unknown; did you mean "connect"?'],
      ],
      ['keepAlive: { idel: 1s }\n', ['rondo.yaml:1:14: keepAlive.idel: is unknown; did you mean "idle"?']],
      ['drain: { timout: 1s }\n', ['rondo.yaml:1:10: drain.timout: is unknown; did you mean "timeout"?']],
      [
        'breaker: { fails: 1 }\n',
        ['rondo.yaml:1:12: breaker.fails: is unknown; use failures, within or open'],
      ],
      [
        'limits: { headers: 1KiB }\n',
        ['rondo.yaml:1:11: limits.headers: is unknown; did you mean "header"?'],
      ],
      [
        'pools: { api: { workers: [http://a:1], limits: { header: 1KiB } } }\n',
        ['rondo.yaml:1:50: pools.api.limits.header: is unknown; use body'],
      ],
      ['log: { fromat: dev }\n', ['rondo.yaml:1:8: log.fromat: is unknown; did you mean "format"?']],
      [
        'strategy: { hash: { by: path, nam: x } }\n',
        ['rondo.yaml:1:31: strategy.hash.nam: is unknown; did you mean "name"?'],
      ],
      [
        'routes: [{ paht: /a, pool: default }]\n',
        ['rondo.yaml:1:12: routes[0].paht: is unknown; did you mean "path"?'],
      ],
      [
        'routes: [{ pool: default, headers: { add: { a: b } } }]\n',
        ['rondo.yaml:1:38: routes[0].headers.add: is unknown; use set or remove'],
      ],
      [
        'routes: [{ answer: { staus: 200 } }]\n',
        [
          'rondo.yaml:1:20: routes[0].answer.status: is missing; give a number from 200 to 599',
          'rondo.yaml:1:22: routes[0].answer.staus: is unknown; did you mean "status"?',
        ],
      ],
      [
        'routes: [{ redirect: { to: /a, code: 301 } }]\n',
        ['rondo.yaml:1:32: routes[0].redirect.code: is unknown; use to or status'],
      ],
      [
        'pools: { __proto__: { workers: [http://a:1] } }\n',
        ['rondo.yaml:1:10: pools.__proto__: is no key; give it another name'],
      ],
      [
        'constructor: 1\n',
        [
          'rondo.yaml:1:1: constructor: is unknown; use listen, tcp, strategy, forwarder, sticky, health, failover, timeouts, keepAlive, drain, breaker, slowStart, tls, workers, pools, routes, limits, trustedProxies, metrics, log, admin, processes or shutdown',
        ],
      ],
    ],
  ],
  [
    'listeners for TCP, PROXY headers, and probes by TCP',
    [
      ['tcp: 6379\n', ['rondo.yaml:1:6: tcp: 6379 is no list; write it as [{listen: 6379, pool: redis}]']],
      [
        'tcp: [6379]\n',
        ['rondo.yaml:1:7: tcp[0]: 6379 is no TCP listener; write it as {listen: 6379, pool: redis}'],
      ],
      [
        'tcp: [{}]\n',
        ['rondo.yaml:1:7: tcp[0].listen: is missing; write it as 6379, "127.0.0.1:6379" or "[::1]:6379"'],
      ],
      [
        'tcp: [{ pool: default }]\n',
        ['rondo.yaml:1:7: tcp[0].listen: is missing; write it as 6379, "127.0.0.1:6379" or "[::1]:6379"'],
      ],
      [
        'tcp: [{ listen: 6379, pol: redis }]\n',
        ['rondo.yaml:1:23: tcp[0].pol: is unknown; did you mean "pool"?'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 6379 }]\n',
        ['rondo.yaml:2:7: tcp[0]: leads nowhere; give it a pool, or sni'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: "6379/tcp", pool: redis }]\n',
        [
          'rondo.yaml:2:17: tcp[0].listen: "6379/tcp" is no address; write it as 6379, "127.0.0.1:6379" or "[::1]:6379"',
        ],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: { port: 6379 }, pool: redis }]\n',
        [
          'rondo.yaml:2:17: tcp[0].listen: {"port":6379} is no address; write it as 6379, "127.0.0.1:6379" or "[::1]:6379"',
        ],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 6379, pool: reds }]\n',
        ['rondo.yaml:2:29: tcp[0].pool: "reds" is no pool; use "redis" or "web"'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\nlisten: 80\nadmin: 127.0.0.1:81\ntcp: [{ listen: 80, pool: redis }, { listen: "127.0.0.1:81", pool: redis }, { listen: 82, pool: redis }, { listen: 82, pool: web }]\n',
        [
          'rondo.yaml:4:17: tcp[0].listen: 80 is the address of listen too; give one of them another',
          'rondo.yaml:4:46: tcp[1].listen: "127.0.0.1:81" is the address of admin too; give one of them another',
          'rondo.yaml:4:116: tcp[3].listen: 82 is the address of tcp[2] too; give one of them another',
        ],
      ],
      [
        'workers: [http://a:1]\ntcp: [{ listen: 80, pool: redis }]\n',
        [
          'rondo.yaml:2:17: tcp[0].listen: 80 is the address of listen too; give one of them another',
          'rondo.yaml:2:27: tcp[0].pool: "redis" is no pool; use "default"',
        ],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, idleTimeout: 10 }, { listen: 2, pool: redis, idleTimeout: 10d }, { listen: 3, pool: redis, halfCloseTimeout: 0 }, { listen: 4, pool: redis, halfCloseTimeout: 0s }]\n',
        [
          'rondo.yaml:2:46: tcp[0].idleTimeout: 10 is not a duration; write it with its unit, as "10m", or 0 for no bound',
          'rondo.yaml:2:91: tcp[1].idleTimeout: "10d" is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
          'rondo.yaml:2:142: tcp[2].halfCloseTimeout: 0 is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
          'rondo.yaml:2:191: tcp[3].halfCloseTimeout: "0s" is no time; give more than 0',
        ],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, maxConnections: 0 }]\n',
        ['rondo.yaml:2:49: tcp[0].maxConnections: 0 is not a count; give a whole number of 1 or more'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, sni: {} }, { listen: 2, sni: { "a b": redis, A.example: redis, a.example: web, "*": web, 10.0.0.1: web, c.example: none } }]\n',
        [
          'rondo.yaml:2:25: tcp[0].sni: names no host; write it as {a.example: pool}',
          'rondo.yaml:2:51: tcp[1].sni["a b"]: "a b" is no name of a host; write it as "a.example" or "*.a.example"',
          'rondo.yaml:2:83: tcp[1].sni["a.example"]: is there already; names know no case',
          'rondo.yaml:2:99: tcp[1].sni["*"]: "*" is no name of a host; write it as "a.example" or "*.a.example"',
          'rondo.yaml:2:109: tcp[1].sni["10.0.0.1"]: "10.0.0.1" is no name of a host; write it as "a.example" or "*.a.example"',
          'rondo.yaml:2:135: tcp[1].sni["c.example"]: "none" is no pool; use "redis" or "web"',
        ],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, sni: [a.example] }, { listen: 2, sni: { a.example: [redis] } }]\n',
        [
          'rondo.yaml:2:25: tcp[0].sni: ["a.example"] is no object; write it as {a.example: pool}',
          'rondo.yaml:2:71: tcp[1].sni["a.example"]: ["redis"] is not a text; give one, in quotes if it looks like a number',
        ],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, sni: { a.example: redis }, tls: { cert: none.pem, key: none.key } }]\n',
        [
          'rondo.yaml:2:65: tcp[0].tls: stands beside sni, which passes TLS through; keep one of them',
          'rondo.yaml:2:73: tcp[0].tls.cert: "none.pem" cannot be read: there is no such file',
          'rondo.yaml:2:88: tcp[0].tls.key: "none.key" cannot be read: there is no such file',
        ],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, tls: { cert: none.pem } }, { listen: 2, pool: redis, tls: { clients: { ca: none.pem, forward: on } } }]\n',
        ['rondo.yaml:2:118: tcp[1].tls.clients.forward: is unknown; use ca or required'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, proxyProtocol: { accept: on, send: v3 } }]\n',
        ['rondo.yaml:2:68: tcp[0].proxyProtocol.send: "v3" is unknown; use "v1" or "v2"'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, proxyProtocol: { accept: 1 } }]\n',
        ['rondo.yaml:2:58: tcp[0].proxyProtocol.accept: 1 is neither on nor off; give one of them'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, proxyProtocol: v2 }]\n',
        ['rondo.yaml:2:48: tcp[0].proxyProtocol: "v2" is no object; give one with accept or send'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\ntcp: [{ listen: 1, pool: redis, proxyProtocol: { accept: on } }]\n',
        [
          'rondo.yaml:2:58: tcp[0].proxyProtocol.accept: lets nobody in, as no proxy is trusted; name those that send headers, as trustedProxies: [10.0.0.0/8]',
        ],
      ],
      [
        'workers: [http://a:1]\nlisten: { port: 80, proxyProtocol: { accept: true } }\n',
        [
          'rondo.yaml:2:46: listen.proxyProtocol.accept: lets nobody in, as no proxy is trusted; name those that send headers, as trustedProxies: [10.0.0.0/8]',
        ],
      ],
      [
        'workers: [http://a:1]\nlisten: { port: 80, proxyProtocol: { accept: on, send: v2 } }\n',
        ['rondo.yaml:2:50: listen.proxyProtocol.send: is unknown; use accept'],
      ],
      [
        'workers: [http://a:1]\nadmin: { listen: { port: 80, host: "::1", proxyProtocol: { accept: on } } }\n',
        ['rondo.yaml:2:43: admin.listen.proxyProtocol: is unknown; use port, host or tls'],
      ],
      [
        'pools: { redis: { workers: ["tcp://r:6379"] }, web: { workers: ["http://w:80"] } }\nroutes: [{ pool: redis }]\n',
        [
          'rondo.yaml:2:18: routes[0].pool: "redis" is a pool for TCP, which has no requests; serve it as tcp: [{listen: 6379, pool: redis}], or give it workers as "http://host:port"',
        ],
      ],
      [
        'pools: { p: { workers: ["tcp://r:6379"], sticky: { secret: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx } }, q: { workers: ["tcp://r:1"], strategy: { hash: { by: path } } } }\ntcp: [{ listen: 1, pool: p }, { listen: 2, pool: q }]\n',
        [
          'rondo.yaml:2:26: tcp[0].pool: "p" goes by requests (sticky), which TCP has not; give the pool strategy: ip-hash instead',
          'rondo.yaml:2:50: tcp[1].pool: "q" goes by requests (strategy.hash), which TCP has not; give the pool strategy: ip-hash instead',
        ],
      ],
      [
        'workers: [tcp://r:6379, http://a:1]\n',
        [
          'rondo.yaml:1:25: workers[1]: "http://a:1" is a worker for HTTP in a pool for TCP; give it a pool of its own',
        ],
      ],
      [
        'workers: [tcp://r]\n',
        ['rondo.yaml:1:11: workers[0]: "tcp://r" names no port; write it as "tcp://r:port"'],
      ],
      [
        'workers: [ftp://x, tcp://r:1, http://a:1]\n',
        [
          'rondo.yaml:1:11: workers[0]: "ftp://x" has the unsupported protocol "ftp:"; use "http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"',
          'rondo.yaml:1:31: workers[2]: "http://a:1" is a worker for HTTP in a pool for TCP; give it a pool of its own',
        ],
      ],
      [
        'workers: [tcp://r:1]\nhealth: { type: udp }\n',
        ['rondo.yaml:2:17: health.type: "udp" is unknown; use "http" or "tcp"'],
      ],
      [
        'workers: [tcp://r:1]\nhealth: { path: /x, port: 0 }\n',
        ['rondo.yaml:2:27: health.port: 0 is not a port; give a whole number from 1 to 65535'],
      ],
      [
        'workers: [tcp://r:1]\nhealth: { path: /x }\n',
        [
          'rondo.yaml:2:17: health.path: "/x" is for probes by HTTP; leave it out, or give health.type "http"',
        ],
      ],
      [
        'workers: [http://r:1]\nhealth: { send: x, expect: "/(/" }\n',
        [
          'rondo.yaml:2:28: health.expect: "/(/" is no pattern (Invalid regular expression: /(/: Unterminated group); mend it, or leave out the slashes for a text',
        ],
      ],
      [
        'workers: [http://r:1]\nhealth: { send: x, expect: y }\n',
        ['rondo.yaml:2:17: health.send: "x" is for probes by TCP; leave it out, or give health.type "tcp"'],
      ],
      [
        'workers: [tcp://r:1]\nhealth: { expect: "/a/q", send: "" }\n',
        [
          'rondo.yaml:2:19: health.expect: "/a/q" is no pattern (Invalid flags supplied to RegExp constructor \'q\'); mend it, or leave out the slashes for a text',
          'rondo.yaml:2:33: health.send: "" says nothing; give a text that is not empty',
        ],
      ],
      [
        'workers: [tcp://r:1]\nhealth: { expect: 7 }\n',
        ['rondo.yaml:2:19: health.expect: 7 is not a text; give one, in quotes if it looks like a number'],
      ],
    ],
  ],
  [
    'listeners with tls, and those that redirect',
    [
      [
        'listen: { host: a }\n',
        ['rondo.yaml:1:9: listen.port: is missing; give a whole number from 0 to 65535'],
      ],
      [
        'listen: { port: x, hots: a }\n',
        [
          'rondo.yaml:1:17: listen.port: "x" is not a port; give a whole number from 0 to 65535',
          'rondo.yaml:1:20: listen.hots: is unknown; did you mean "host"?',
        ],
      ],
      [
        'listen: [{ port: 65536 }, { port: 1, host: "a:1/" }]\n',
        [
          'rondo.yaml:1:18: listen[0].port: 65536 is not a port; give a whole number from 0 to 65535',
          'rondo.yaml:1:44: listen[1].host: "a:1/" is no host; give an address of this machine, as "127.0.0.1" or "::1"',
        ],
      ],
      [
        'listen: ["[::1]:80", { port: 80, host: "::1" }, { port: 80, host: "[::1]" }]\n',
        [
          'rondo.yaml:1:22: listen[1]: {"port":80,"host":"::1"} is there twice; leave one of them out',
          'rondo.yaml:1:49: listen[2]: {"port":80,"host":"[::1]"} is there twice; leave one of them out',
        ],
      ],
      [
        'listen: { port: 80, redirect: 0 }\n',
        ['rondo.yaml:1:31: listen.redirect: 0 is not a port; give that of the listener with tls, as 443'],
      ],
      [
        'listen: [{ port: 443, redirect: 443, tls: { cert: none.pem, key: none.key } }]\n',
        [
          'rondo.yaml:1:33: listen[0].redirect: 443 stands beside tls; keep one of them: https needs no redirect',
          'rondo.yaml:1:51: listen[0].tls.cert: "none.pem" cannot be read: there is no such file',
          'rondo.yaml:1:66: listen[0].tls.key: "none.key" cannot be read: there is no such file',
        ],
      ],
      [
        'listen: { port: 443, tls: on }\n',
        [
          'rondo.yaml:1:27: listen.tls: "on" is no object; give one with cert, key, passphrase, certificates, minVersion or clients',
        ],
      ],
      [
        'listen: { port: 443, tls: {} }\n',
        ['rondo.yaml:1:27: listen.tls: names no certificate; give cert and key, or certificates'],
      ],
      [
        'listen: { port: 443, tls: { cert: none.pem } }\n',
        ['rondo.yaml:1:27: listen.tls.key: is missing; give the file with the key of the certificate'],
      ],
      [
        'listen:\n  port: 443\n  tls:\n    key: none.key\n',
        ['rondo.yaml:4:5: listen.tls.cert: is missing; give the file with the certificate of the key'],
      ],
      [
        'listen: { port: 443, tls: { certificates: [] } }\n',
        [
          'rondo.yaml:1:43: listen.tls.certificates: [] is no list of certificates; write it as [{cert: cert.pem, key: key.pem}]',
        ],
      ],
      [
        'listen: { port: 443, tls: { certificates: a.pem, minVersion: 1.1 } }\n',
        [
          'rondo.yaml:1:43: listen.tls.certificates: "a.pem" is no list of certificates; write it as [{cert: cert.pem, key: key.pem}]',
          'rondo.yaml:1:62: listen.tls.minVersion: 1.1 is no version; use "1.2" or "1.3"',
        ],
      ],
      [
        'listen: { port: 443, tls: { certificates: [{ cert: a.pem }, 5, { cert: "", key: 5, passphrase: 5 }] } }\n',
        [
          'rondo.yaml:1:44: listen.tls.certificates[0].key: is missing; name a PEM file',
          'rondo.yaml:1:61: listen.tls.certificates[1]: 5 is no certificate; write it as {cert: cert.pem, key: key.pem}',
          'rondo.yaml:1:72: listen.tls.certificates[2].cert: "" is no file; name a PEM file',
          'rondo.yaml:1:81: listen.tls.certificates[2].key: 5 is no file; name a PEM file',
          'rondo.yaml:1:96: listen.tls.certificates[2].passphrase: (hidden) is not a text; give one, in quotes if it looks like a number',
        ],
      ],
      [
        'listen: { port: 443, tls: { certificates: [{ cert: none.pem, key: none.key }], cert: b, passphrase: hush } }\n',
        [
          'rondo.yaml:1:52: listen.tls.certificates[0].cert: "none.pem" cannot be read: there is no such file',
          'rondo.yaml:1:67: listen.tls.certificates[0].key: "none.key" cannot be read: there is no such file',
          'rondo.yaml:1:86: listen.tls.cert: "b" stands beside certificates; move it into one of them',
          'rondo.yaml:1:101: listen.tls.passphrase: (hidden) stands beside certificates; move it into one of them',
        ],
      ],
      [
        'listen: { port: 443, tls: { clients: { required: 1, forward: yes } } }\n',
        [
          'rondo.yaml:1:38: listen.tls.clients.ca: is missing; name a PEM file',
          'rondo.yaml:1:50: listen.tls.clients.required: 1 is neither true nor false; give one of them',
          'rondo.yaml:1:62: listen.tls.clients.forward: "yes" is unknown; use "on" or "off"',
        ],
      ],
      [
        'listen: { port: 443, tls: { cert: none.pem, key: none.key, clients: { ca: none.pem } } }\n',
        [
          'rondo.yaml:1:35: listen.tls.cert: "none.pem" cannot be read: there is no such file',
          'rondo.yaml:1:50: listen.tls.key: "none.key" cannot be read: there is no such file',
          'rondo.yaml:1:75: listen.tls.clients.ca: "none.pem" cannot be read: there is no such file',
        ],
      ],
    ],
  ],
  [
    'tls of pools',
    [
      [
        'tls: 5\n',
        [
          'rondo.yaml:1:6: tls: 5 is no object; give one with ca, servername, cert, key, passphrase or verify',
        ],
      ],
      [
        'tls: { ca: 5, servername: "", verify: off, chipers: x }\n',
        [
          'rondo.yaml:1:12: tls.ca: 5 is no file; name a PEM file',
          'rondo.yaml:1:27: tls.servername: "" says nothing; give a text that is not empty',
          'rondo.yaml:1:39: tls.verify: "off" is neither true nor false; give one of them',
          'rondo.yaml:1:44: tls.chipers: is unknown; use ca, servername, cert, key, passphrase or verify',
        ],
      ],
      [
        'tls: { ca: none.pem, cert: none.pem, key: none.key, passphrase: hush }\n',
        [
          'rondo.yaml:1:12: tls.ca: "none.pem" cannot be read: there is no such file',
          'rondo.yaml:1:28: tls.cert: "none.pem" cannot be read: there is no such file',
          'rondo.yaml:1:43: tls.key: "none.key" cannot be read: there is no such file',
        ],
      ],
      [
        'pools: { api: { workers: [http://a:1], tls: { cert: none.pem } } }\n',
        ['rondo.yaml:1:45: pools.api.tls.key: is missing; give the file with the key of the certificate'],
      ],
    ],
  ],
  [
    'addresses',
    [
      ['listen: {}\n', ['rondo.yaml:1:9: listen.port: is missing; give a whole number from 0 to 65535']],
      [
        'listen:\n',
        [
          'rondo.yaml:1:8: listen: is empty; write it as 8080, "127.0.0.1:8080", "[::1]:8080" or {port: 443, tls: {cert: cert.pem, key: key.pem}}, or as a list of them',
        ],
      ],
      [
        'listen: []\n',
        [
          'rondo.yaml:1:9: listen: [] is no address; write it as 8080, "127.0.0.1:8080", "[::1]:8080" or {port: 443, tls: {cert: cert.pem, key: key.pem}}, or as a list of them',
        ],
      ],
      [
        'listen: true\n',
        [
          'rondo.yaml:1:9: listen: true is no address; write it as 8080, "127.0.0.1:8080", "[::1]:8080" or {port: 443, tls: {cert: cert.pem, key: key.pem}}, or as a list of them',
        ],
      ],
      [
        'listen: 80.5\n',
        [
          'rondo.yaml:1:9: listen: 80.5 is no address; write it as 8080, "127.0.0.1:8080", "[::1]:8080" or {port: 443, tls: {cert: cert.pem, key: key.pem}}, or as a list of them',
        ],
      ],
      [
        'listen: 65536\n',
        ['rondo.yaml:1:9: listen: 65536 is no address; write it as 8080, "127.0.0.1:8080" or "[::1]:8080"'],
      ],
      [
        'listen: localhost\n',
        [
          'rondo.yaml:1:9: listen: "localhost" is no address; write it as 8080, "127.0.0.1:8080" or "[::1]:8080"',
        ],
      ],
      [
        'listen: [8080, "::1:80"]\n',
        [
          'rondo.yaml:1:16: listen[1]: "::1:80" is no address; write it as 8080, "127.0.0.1:8080" or "[::1]:8080"',
        ],
      ],
      ['listen: [80, 81, 80]\n', ['rondo.yaml:1:18: listen[2]: 80 is there twice; leave one of them out']],
      [
        'trustedProxies: 10.0.0.0/8\n',
        ['rondo.yaml:1:17: trustedProxies: "10.0.0.0/8" is no list; write it as [10.0.0.0/8]'],
      ],
      [
        'trustedProxies: [10.0.0.0/33, 10.0.0.1, proxy.local, 5]\n',
        ['rondo.yaml:1:54: trustedProxies[3]: 5 is no address or network; write it as "10.0.0.0/8"'],
      ],
      [
        'trustedProxies: [10.0.0.0/33, 10.0.0.1, proxy.local]\n',
        [
          'rondo.yaml:1:18: trustedProxies[0]: "10.0.0.0/33" is no address or network; write it as "10.0.0.0/8"',
          'rondo.yaml:1:41: trustedProxies[2]: "proxy.local" is no address or network; write it as "10.0.0.0/8"',
        ],
      ],
    ],
  ],
  [
    'workers',
    [
      [
        'workers: http://a:1\n',
        ['rondo.yaml:1:10: workers: "http://a:1" is no list of workers; write it as ["http://host:port"]'],
      ],
      ['workers:\n', ['rondo.yaml:1:9: workers: is empty; write it as ["http://host:port"]']],
      [
        'workers: []\n',
        ['rondo.yaml:1:10: workers: [] names no worker; give at least one, as "http://host:port"'],
      ],
      [
        'workers: [3001]\n',
        [
          'rondo.yaml:1:11: workers[0]: 3001 is no worker; write it as "http://host:port", or as {url: "http://host:port", weight: 2}',
        ],
      ],
      [
        'workers: [[http://a:1]]\n',
        [
          'rondo.yaml:1:11: workers[0]: ["http://a:1"] is no worker; write it as "http://host:port", or as {url: "http://host:port", weight: 2}',
        ],
      ],
      [
        'workers: ["localhost:3001", "", http://a:1/app, ftp://a:1, "http://a:0"]\n',
        ['rondo.yaml:1:29: workers[1]: "" is not a URL; write it as "http://host:port"'],
      ],
      [
        'workers: ["localhost:3001", http://a:1/app, ftp://a:1, "http://a:0"]\n',
        [
          'rondo.yaml:1:11: workers[0]: "localhost:3001" has the unsupported protocol "localhost:"; use "http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"',
          'rondo.yaml:1:29: workers[1]: "http://a:1/app" is more than an origin; write it as "http://a:1"',
          'rondo.yaml:1:45: workers[2]: "ftp://a:1" has the unsupported protocol "ftp:"; use "http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"',
          'rondo.yaml:1:56: workers[3]: "http://a:0" names port 0, where nobody can be reached; use 1 to 65535',
        ],
      ],
      [
        'workers: [http://user:hush@a:1]\n',
        [
          'rondo.yaml:1:11: workers[0]: "http://(hidden)@a:1" is more than an origin; write it as "http://a:1"',
        ],
      ],
      [
        'workers: [{ name: a }]\n',
        ['rondo.yaml:1:11: workers[0].url: is missing; write it as "http://host:port"'],
      ],
      [
        'workers:\n  - { url: a, weight: 2 }\n  - { url: http://b:1, weight: 0 }\n',
        [
          'rondo.yaml:2:12: workers[0].url: "a" is not a URL; write it as "http://host:port"',
          'rondo.yaml:3:32: workers[1].weight: 0 is not a weight; give a number above 0',
        ],
      ],
      [
        'workers: [{ url: http://a:1, weight: heavy, name: 5 }]\n',
        [
          'rondo.yaml:1:38: workers[0].weight: "heavy" is not a weight; give a number above 0',
          'rondo.yaml:1:51: workers[0].name: 5 is not a text; give one, in quotes if it looks like a number',
        ],
      ],
      [
        'workers:\n  - http://a:1\n  - http://b:1\n  - http://a:1\n',
        ['rondo.yaml:4:5: workers[2]: "a:1" is there twice; give each worker an id of its own'],
      ],
      [
        'pools: { api: { workers: [{ url: http://a:1, name: x }, { url: http://b:1, name: x }] } }\n',
        ['rondo.yaml:1:57: pools.api.workers[1]: "x" is there twice; give each worker an id of its own'],
      ],
      [
        'pools: { api: { strategy: ip-hash } }\n',
        ['rondo.yaml:1:15: pools.api.workers: is missing; write it as ["http://host:port"]'],
      ],
    ],
  ],
  [
    'durations, sizes and counts',
    [
      [
        'shutdown: 5\n',
        ['rondo.yaml:1:11: shutdown: 5 is not a duration; write it with its unit, as "500ms", "2s" or "1m"'],
      ],
      [
        'shutdown: 5 s\n',
        [
          'rondo.yaml:1:11: shutdown: "5 s" is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
        ],
      ],
      [
        'shutdown: -1s\n',
        [
          'rondo.yaml:1:11: shutdown: "-1s" is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
        ],
      ],
      [
        'slowStart: fast\n',
        [
          'rondo.yaml:1:12: slowStart: "fast" is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
        ],
      ],
      [
        'timeouts: { connect: 3000, idle: 0s }\n',
        [
          'rondo.yaml:1:22: timeouts.connect: 3000 is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
          'rondo.yaml:1:34: timeouts.idle: "0s" is no time; give more than 0',
        ],
      ],
      [
        'timeouts: { response: 25d }\n',
        [
          'rondo.yaml:1:23: timeouts.response: "25d" is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
        ],
      ],
      [
        'timeouts: { response: 600h }\n',
        ['rondo.yaml:1:23: timeouts.response: "600h" is longer than a timer can run; give "596h" or less'],
      ],
      [
        'keepAlive: { idle: true }\n',
        [
          'rondo.yaml:1:20: keepAlive.idle: true is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
        ],
      ],
      [
        'limits: { header: 0B, body: 10MB, connections: 0 }\n',
        [
          'rondo.yaml:1:19: limits.header: "0B" is no size; give more than 0',
          'rondo.yaml:1:29: limits.body: "10MB" is not a size; write it with its unit, as "64KiB" or "10MiB"',
          'rondo.yaml:1:48: limits.connections: 0 is not a count; give a whole number of 1 or more',
        ],
      ],
      [
        'limits: { header: 65536, body: 0.5B, connections: many }\n',
        [
          'rondo.yaml:1:19: limits.header: 65536 is not a size; write it with its unit, as "64KiB" or "10MiB"',
          'rondo.yaml:1:32: limits.body: "0.5B" is no whole number of bytes; write it as "64KiB" or "10MiB"',
          'rondo.yaml:1:51: limits.connections: "many" is not a count; give a whole number of 1 or more',
        ],
      ],
      [
        'breaker: { failures: 1.5 }\n',
        ['rondo.yaml:1:22: breaker.failures: 1.5 is not a count; give a whole number of 1 or more'],
      ],
      [
        'failover: { attempts: 0 }\n',
        ['rondo.yaml:1:23: failover.attempts: 0 is not a count; give a whole number of 1 or more'],
      ],
    ],
  ],
  [
    'options of a pool',
    [
      [
        'strategy: robin\n',
        [
          'rondo.yaml:1:11: strategy: "robin" is unknown; use "round-robin", "weighted-round-robin", "least-connections", "least-response-time", "random-two-choices", "ip-hash", or {hash: {by: header, name: x-user}}',
        ],
      ],
      [
        'strategy: {}\n',
        ['rondo.yaml:1:11: strategy.hash: is missing; write it as {by: header, name: x-user}'],
      ],
      [
        'strategy: { hash: { by: ip } }\n',
        ['rondo.yaml:1:25: strategy.hash.by: "ip" is unknown; use "header", "cookie", "query" or "path"'],
      ],
      [
        'strategy: { hash: { by: header } }\n',
        [
          'rondo.yaml:1:19: strategy.hash.name: is missing; say which header, as { by: "header", name: "user" }',
        ],
      ],
      [
        'forwarder: nginx\n',
        ['rondo.yaml:1:12: forwarder: "nginx" is unknown; use "http-proxy-middleware" or "undici"'],
      ],
      [
        'health: { schedule: every 2s }\n',
        [
          'rondo.yaml:1:21: health.schedule: "every 2s" is not a schedule (expected 5 or 6 fields but got 2); write a cron expression such as "*/2 * * * * *" (every 2 s)',
        ],
      ],
      [
        'health: { schedule: "*/2 * * * * *", timeout: 2s }\n',
        [
          'rondo.yaml:1:47: health.timeout: 2000 ms is not below the 2000 ms between two ticks of "*/2 * * * * *"; shorten it, or space the schedule',
        ],
      ],
      [
        'health: { path: healthz, rise: 0 }\n',
        ['rondo.yaml:1:32: health.rise: 0 is not a count; give a whole number of 1 or more'],
      ],
      [
        'failover: { retryOn: 503 }\n',
        ['rondo.yaml:1:22: failover.retryOn: 503 is no list; write it as [503, timeout]'],
      ],
      [
        'failover: { retryOn: [500] }\n',
        ['rondo.yaml:1:23: failover.retryOn[0]: 500 is no reason; use 502, 503, 504 or timeout'],
      ],
      [
        'failover: { budget: { ratio: 20%, floor: -1 } }\n',
        [
          'rondo.yaml:1:30: failover.budget.ratio: "20%" is not a share; give a number from 0 to 1',
          'rondo.yaml:1:42: failover.budget.floor: -1 is not a rate; give retries per second, 0 or more',
        ],
      ],
      [
        'failover: { budget: { ratio: 20 } }\n',
        ['rondo.yaml:1:30: failover.budget.ratio: 20 is not a share; give a number from 0 to 1'],
      ],
      [
        'drain: { sessions: go }\n',
        ['rondo.yaml:1:20: drain.sessions: "go" is unknown; use "stay" or "leave"'],
      ],
      [
        'pools: { my api: { workers: [http://a:1] } }\n',
        [
          'rondo.yaml:1:10: pools["my api"]: "my api" is no name of a pool; give letters, digits, "-", "_" and "."',
        ],
      ],
      [
        'workers: [http://a:1]\npools: { default: { workers: [http://b:1] } }\n',
        [
          'rondo.yaml:2:10: pools.default: stands beside workers at the top, which are those of a pool "default"; keep one',
        ],
      ],
      [
        'pools: { api: { workers: [http://a:1] } }\nstrategy: ip-hash\nlimits: { body: 1KiB }\n',
        [
          'rondo.yaml:2:1: strategy: is of the pool that workers at the top make, and there are none; move it into one of pools',
          'rondo.yaml:3:11: limits.body: is of the pool that workers at the top make, and there are none; move it into one of pools',
        ],
      ],
    ],
  ],
  [
    'secrets, which they never show,',
    [
      [
        'sticky: { secret: hush-hush }\n',
        [
          'rondo.yaml:1:19: sticky.secret: (hidden) has 9 bytes; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
        ],
      ],
      [
        'sticky: { secret: [hush-hush, hush-hush] }\n',
        [
          'rondo.yaml:1:20: sticky.secret[0]: (hidden) has 9 bytes; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
          'rondo.yaml:1:31: sticky.secret[1]: (hidden) has 9 bytes; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
        ],
      ],
      [
        'sticky: { secret: [] }\n',
        [
          'rondo.yaml:1:19: sticky.secret: (hidden) is no secret; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
        ],
      ],
      [
        'sticky: { secret: 1234567 }\n',
        [
          'rondo.yaml:1:19: sticky.secret: (hidden) is no secret; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
        ],
      ],
      [
        'sticky: { secret: { value: hush-hush } }\n',
        [
          'rondo.yaml:1:19: sticky.secret: (hidden) is no secret; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
        ],
      ],
      [
        'sticky: hush-hush\n',
        ['rondo.yaml:1:9: sticky: (hidden) is no object; give one with secret, name, path or maxAge'],
      ],
      [
        'sticky: { key: hush-hush }\n',
        [
          'rondo.yaml:1:9: sticky.secret: is missing; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
          'rondo.yaml:1:11: sticky.key: is unknown; use secret, name, path or maxAge',
        ],
      ],
      [
        'pools: [{ sticky: { secret: hush-hush } }]\n',
        [
          'rondo.yaml:1:8: pools: [{"sticky":"(hidden)"}] is no object; write it as {api: {workers: ["http://host:port"]}}',
        ],
      ],
      [
        'sticky: { secret: !hush-hush x }\n',
        ['rondo.yaml:1:19: is a tag, and there are none; put a text that begins with "!" in quotes'],
      ],
      [
        'sticky: { secret: "hush\\qhush" }\n',
        ['rondo.yaml:1:24: is no YAML: a "\\" begins no escape here; double it'],
      ],
      [
        'sticky: { secret: hush: hush }\n',
        [
          'rondo.yaml:1:19: is no YAML: something is out of place from here on; look for a comma that is missing',
        ],
      ],
      ['sticky: { secret: "hush" hush }\n', ['rondo.yaml:1:26: is no YAML: Unexpected scalar at node end']],
      [
        'sticky: { secret: |hush }\n',
        ['rondo.yaml:1:19: is no YAML: Plain value cannot start with block scalar indicator |'],
      ],
      [
        'sticky: { secret: *hush }\n',
        [
          'rondo.yaml:1:19: sticky.secret: names no anchor before it; put a text that begins with "*" in quotes',
        ],
      ],
      [
        'sticky: { secret: "${HUSH}" }\n',
        [
          'rondo.yaml:1:19: sticky.secret: (hidden) has 9 bytes; give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"',
        ],
        { HUSH: 'hush-hush' },
      ],
      [
        'routes: [{ headers: { set: { authorization: hush } } }]\n',
        [
          'rondo.yaml:1:10: routes[0]: {"headers":{"set":{"authorization":"(hidden)"}}} leads nowhere; give it a pool, an answer or a redirect',
        ],
      ],
      [
        'sticky: { secret: 01234567890123456789012345678901x, name: a b }\n',
        ['rondo.yaml:1:60: sticky.name: "a b" is no name of a cookie; give letters, digits, "-" and "_"'],
      ],
      [
        'sticky: { secret: 01234567890123456789012345678901x, path: app, maxAge: 100ms }\n',
        ['rondo.yaml:1:73: sticky.maxAge: "100ms" is not in whole seconds; give "1s" or more'],
      ],
      [
        'sticky: { secret: 01234567890123456789012345678901x, path: app }\n',
        ['rondo.yaml:1:60: sticky.path: "app" is no path of a cookie; write it as "/"'],
      ],
    ],
  ],
  [
    'routes',
    [
      ['routes:\n', ['rondo.yaml:1:8: routes: is empty; write it as [{path: /api, pool: api}]']],
      [
        'routes: { path: /a, pool: default }\n',
        [
          'rondo.yaml:1:9: routes: {"path":"/a","pool":"default"} is no list of routes; write it as [{path: /api, pool: api}]',
        ],
      ],
      [
        'routes: [{}]\n',
        ['rondo.yaml:1:10: routes[0]: {} leads nowhere; give it a pool, an answer or a redirect'],
      ],
      [
        'routes:\n  - path: /a\n    host: a.test\n',
        [
          'rondo.yaml:2:5: routes[0]: {"host":"a.test","path":"/a"} leads nowhere; give it a pool, an answer or a redirect',
        ],
      ],
      [
        'routes: [{ pool: default, answer: { status: 200 }, redirect: { to: /a } }]\n',
        [
          'rondo.yaml:1:35: routes[0].answer: {"status":200} stands beside pool; keep one of them',
          'rondo.yaml:1:62: routes[0].redirect: {"to":"/a"} stands beside pool; keep one of them',
        ],
      ],
      [
        'routes: [{ pool: apo }]\npools: { api: { workers: [http://a:1] }, web: { workers: [http://a:1] } }\n',
        ['rondo.yaml:1:18: routes[0].pool: "apo" is no pool; use "api" or "web"'],
      ],
      [
        'routes: [{ pool: default, strip: true }]\n',
        ['rondo.yaml:1:34: routes[0].strip: true needs a path that is a prefix; write it as path: /api'],
      ],
      [
        'routes: [{ pool: default, path: /a/*, rewrite: /b }]\n',
        ['rondo.yaml:1:48: routes[0].rewrite: "/b" needs a path that is a prefix; write it as path: /api'],
      ],
      [
        'routes: [{ pool: default, path: /a, strip: true, rewrite: /b }]\n',
        ['rondo.yaml:1:59: routes[0].rewrite: "/b" replaces the prefix; leave out strip'],
      ],
      [
        'routes: [{ path: /a, strip: true, headers: { remove: [a] }, answer: { status: 200 } }]\n',
        [
          'rondo.yaml:1:29: routes[0].strip: true is for what workers get; leave it out, or give a pool instead of answer',
          'rondo.yaml:1:44: routes[0].headers: {"remove":["a"]} is for what workers get; leave it out, or give a pool instead of answer',
        ],
      ],
      [
        'routes: [{ pool: default, path: api }, { pool: default, path: /a?b=c }, { pool: default, path: 5 }]\n',
        [
          'rondo.yaml:1:33: routes[0].path: "api" is no path; write it as "/api" or "/files/*.jpg", in what may stand in a URL before "?"',
          'rondo.yaml:1:63: routes[1].path: "/a?b=c" is no path; write it as "/api" or "/files/*.jpg", in what may stand in a URL before "?"',
          'rondo.yaml:1:96: routes[2].path: 5 is no path; write it as "/api" or "/files/*.jpg", in what may stand in a URL before "?"',
        ],
      ],
      [
        'routes: [{ pool: default, path: /a, rewrite: b, strip: yes }]\n',
        [
          'rondo.yaml:1:46: routes[0].rewrite: "b" is no path; write it as "/new"',
          'rondo.yaml:1:56: routes[0].strip: "yes" is neither true nor false; give one of them',
        ],
      ],
      [
        'routes: [{ pool: default, host: "http://a.test" }, { pool: default, host: "a.test:80" }, { pool: default, host: "a.*" }]\n',
        [
          'rondo.yaml:1:33: routes[0].host: "http://a.test" is no host; write it as "api.example.com" or "*.example.com", without a port',
          'rondo.yaml:1:75: routes[1].host: "a.test:80" is no host; write it as "api.example.com" or "*.example.com", without a port',
          'rondo.yaml:1:113: routes[2].host: "a.*" is no host; write it as "api.example.com" or "*.example.com", without a port',
        ],
      ],
      [
        'routes: [{ pool: default, method: GTE }, { pool: default, method: [] }, { pool: default, method: [GET, 5] }]\n',
        [
          'rondo.yaml:1:35: routes[0].method: "GTE" is no method; write it as "GET", or as ["GET", "HEAD"]',
          'rondo.yaml:1:67: routes[1].method: [] is no method; write it as "GET", or as ["GET", "HEAD"]',
          'rondo.yaml:1:104: routes[2].method[1]: 5 is no method; write it as "GET", or as ["GET", "HEAD"]',
        ],
      ],
      [
        'routes: [{ pool: default, header: { "x y": a, x-user: 5 } }]\n',
        [
          'rondo.yaml:1:37: routes[0].header["x y"]: "x y" is no name of a header; give letters, digits and "-", as in "x-user"',
          'rondo.yaml:1:55: routes[0].header.x-user: 5 is no value; give a text, in quotes if it looks like a number, or true for any',
        ],
      ],
      [
        'routes:\n  - pool: default\n    headers: { set: { "a b": c, d: "e\\nf", g: 5 }, remove: [h i] }\n',
        [
          'rondo.yaml:3:23: routes[0].headers.set["a b"]: "a b" is no name of a header; give letters, digits and "-", as in "x-user"',
          'rondo.yaml:3:36: routes[0].headers.set.d: "e\\nf" has characters that no header may have; leave out line breaks and what is not Latin-1',
          'rondo.yaml:3:47: routes[0].headers.set.g: 5 is not a text; give one, in quotes if it looks like a number',
          'rondo.yaml:3:61: routes[0].headers.remove[0]: "h i" is no name of a header; give letters, digits and "-", as in "x-user"',
        ],
      ],
      [
        'routes: [{ pool: default, headers: { set: { Content-Length: "5" }, remove: [upgrade] } }]\n',
        [
          'rondo.yaml:1:45: routes[0].headers.set.Content-Length: "Content-Length" is about the connection; leave it to the gateway',
          'rondo.yaml:1:77: routes[0].headers.remove[0]: "upgrade" is about the connection; leave it to the gateway',
        ],
      ],
      [
        'routes: [{ pool: default, headers: { remove: cookie } }]\n',
        ['rondo.yaml:1:46: routes[0].headers.remove: "cookie" is no list; write it as [cookie]'],
      ],
      [
        'routes: [{ answer: { status: 600, body: 5, type: "a\\nb" } }, { answer: { status: 101 } }, { answer: { status: ok } }, { answer: {} }]\n',
        [
          'rondo.yaml:1:30: routes[0].answer.status: 600 is no status; give a number from 200 to 599',
          'rondo.yaml:1:41: routes[0].answer.body: 5 is not a text; give one, in quotes if it looks like a number',
          'rondo.yaml:1:50: routes[0].answer.type: "a\\nb" has characters that no header may have; leave out line breaks and what is not Latin-1',
          'rondo.yaml:1:82: routes[1].answer.status: 101 is no status; give a number from 200 to 599',
          'rondo.yaml:1:111: routes[2].answer.status: "ok" is no status; give a number from 200 to 599',
          'rondo.yaml:1:129: routes[3].answer.status: is missing; give a number from 200 to 599',
        ],
      ],
      [
        'routes: [{ redirect: { to: example.com } }, { redirect: { to: "/a b" } }, { redirect: { to: /a, status: 200 } }, { redirect: { status: 301 } }]\n',
        [
          'rondo.yaml:1:28: routes[0].redirect.to: "example.com" is no URL or path; write it as "https://example.com$path" or "/new"',
          'rondo.yaml:1:63: routes[1].redirect.to: "/a b" is no URL or path; write it as "https://example.com$path" or "/new"',
          'rondo.yaml:1:105: routes[2].redirect.status: 200 is unknown; use 301, 302, 303, 307 or 308',
          'rondo.yaml:1:126: routes[3].redirect.to: is missing; write it as "https://example.com$path" or "/new"',
        ],
      ],
    ],
  ],
  [
    'logs and metrics',
    [
      ['metrics: yes\n', ['rondo.yaml:1:10: metrics: "yes" is unknown; use "on" or "off"']],
      ['metrics: true\n', ['rondo.yaml:1:10: metrics: true is unknown; use "on" or "off"']],
      [
        'log: comon\n',
        [
          'rondo.yaml:1:6: log: "comon" is no log; use "combined", "dev", "json", "rondo" or "off", or {format: json, file: access.log}',
        ],
      ],
      [
        'log: true\n',
        [
          'rondo.yaml:1:6: log: true is no log; use "combined", "dev", "json", "rondo" or "off", or {format: json, file: access.log}',
        ],
      ],
      [
        'log: { format: xml, file: "" }\n',
        [
          'rondo.yaml:1:16: log.format: "xml" is unknown; use "combined", "dev", "json", "rondo" or "off"',
          'rondo.yaml:1:27: log.file: "" says nothing; give a text that is not empty',
        ],
      ],
      [
        'log: { file: 5 }\n',
        ['rondo.yaml:1:14: log.file: 5 is not a text; give one, in quotes if it looks like a number'],
      ],
    ],
  ],
  [
    'processes',
    [
      ['processes: 0\n', [`rondo.yaml:1:12: processes: 0 ${NO_PROCESSES}`]],
      ['processes: -1\n', [`rondo.yaml:1:12: processes: -1 ${NO_PROCESSES}`]],
      ['processes: 1.5\n', [`rondo.yaml:1:12: processes: 1.5 ${NO_PROCESSES}`]],
      ['processes: four\n', [`rondo.yaml:1:12: processes: "four" ${NO_PROCESSES}`]],
      ['processes: "4"\n', [`rondo.yaml:1:12: processes: "4" ${NO_PROCESSES}`]],
      ['processes: Auto\n', [`rondo.yaml:1:12: processes: "Auto" ${NO_PROCESSES}`]],
      ['processes: true\n', [`rondo.yaml:1:12: processes: true ${NO_PROCESSES}`]],
      ['processes: 257\n', [`rondo.yaml:1:12: processes: 257 ${NO_PROCESSES}`]],
      ['processes: [2]\n', [`rondo.yaml:1:12: processes: [2] ${NO_PROCESSES}`]],
      [
        'listen: 80\nprocesses:\n',
        ['rondo.yaml:2:11: processes: is empty; give "auto", or a whole number from 1 to 256'],
      ],
      [
        'processes: null\n',
        ['rondo.yaml:1:12: processes: is empty; give "auto", or a whole number from 1 to 256'],
      ],
      ['processes: ${N}\n', [`rondo.yaml:1:12: processes: 0 ${NO_PROCESSES}`], { N: '0', PROCESSES: '2' }],
    ],
  ],
  [
    'variables',
    [
      [
        'listen: ${NONE}\nshutdown: ${NONE}s\n',
        [
          'rondo.yaml:1:9: listen: the environment has no NONE; set it, or give a default as ${NONE:-value}',
          'rondo.yaml:2:11: shutdown: the environment has no NONE; set it, or give a default as ${NONE:-value}',
        ],
      ],
      [
        'pools: { api: { workers: ["http://${A}:${NONE}"] } }\n',
        [
          'rondo.yaml:1:27: pools.api.workers[0]: the environment has no NONE; set it, or give a default as ${NONE:-value}',
        ],
        { A: 'a' },
      ],
      [
        'listen: ${EMPTY}\n',
        [
          'rondo.yaml:1:9: listen: the environment has no EMPTY; set it, or give a default as ${EMPTY:-value}',
        ],
        { EMPTY: '' },
      ],
      [
        'shutdown: ${EMPTY:-}\n',
        ['rondo.yaml:1:11: shutdown: "" is not a duration; write it with its unit, as "500ms", "2s" or "1m"'],
        { EMPTY: '' },
      ],
      [
        'listen: ${A}\n',
        ['rondo.yaml:1:9: listen: "abc" is no address; write it as 8080, "127.0.0.1:8080" or "[::1]:8080"'],
        { A: 'abc' },
      ],
      [
        'limits: { connections: "${A}" }\n',
        ['rondo.yaml:1:24: limits.connections: 0 is not a count; give a whole number of 1 or more'],
        { A: '0' },
      ],
      [
        'limits: { connections: "${A}0" }\n',
        ['rondo.yaml:1:24: limits.connections: "10" is not a count; give a whole number of 1 or more'],
        { A: '1' },
      ],
      [
        'limits: { connections: "${A}" }\n',
        ['rondo.yaml:1:24: limits.connections: "007" is not a count; give a whole number of 1 or more'],
        { A: '007' },
      ],
      [
        '${A}: 80\n',
        [
          'rondo.yaml:1:1: ["${A}"]: is unknown; use listen, tcp, strategy, forwarder, sticky, health, failover, timeouts, keepAlive, drain, breaker, slowStart, tls, workers, pools, routes, limits, trustedProxies, metrics, log, admin, processes or shutdown',
        ],
        { A: 'listen' },
      ],
      [
        'listen: ${}\n',
        ['rondo.yaml:1:9: listen: has a "${" that begins no variable; write it as ${NAME} or ${NAME:-value}'],
      ],
      [
        'listen: ${A-80}\n',
        ['rondo.yaml:1:9: listen: has a "${" that begins no variable; write it as ${NAME} or ${NAME:-value}'],
      ],
      [
        'listen: ${A\n',
        ['rondo.yaml:1:9: listen: has a "${" that begins no variable; write it as ${NAME} or ${NAME:-value}'],
      ],
      [
        'listen: ${A:-${B}}\n',
        ['rondo.yaml:1:9: listen: has a "${" that begins no variable; write it as ${NAME} or ${NAME:-value}'],
      ],
      [
        'listen: ${1}\n',
        ['rondo.yaml:1:9: listen: has a "${" that begins no variable; write it as ${NAME} or ${NAME:-value}'],
      ],
      [
        'workers: [http://a:1]\n',
        ['WORKERS[1]: "nonsense" is not a URL; write it as "http://host:port"'],
        { WORKERS: 'http://b:1,nonsense' },
      ],
      [
        'pools: { default: { workers: [http://a:1] } }\n',
        ['WORKERS[1]: "b:1" is there twice; give each worker an id of its own'],
        { WORKERS: 'http://b:1,http://b:1' },
      ],
    ],
  ],
  [
    'many things at once, by line,',
    [
      [
        'shutdown: 5\nroutes:\n  - { pool: default, strip: 1 }\nlisten: {}\nworkers: [5]\nmetrics: maybe\n',
        [
          'rondo.yaml:1:11: shutdown: 5 is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
          'rondo.yaml:3:29: routes[0].strip: 1 is neither true nor false; give one of them',
          'rondo.yaml:4:9: listen.port: is missing; give a whole number from 0 to 65535',
          'rondo.yaml:5:11: workers[0]: 5 is no worker; write it as "http://host:port", or as {url: "http://host:port", weight: 2}',
          'rondo.yaml:6:10: metrics: "maybe" is unknown; use "on" or "off"',
        ],
      ],
      [
        'routes: [{ pool: nope }]\ntrustedProxies: [nope]\npools:\n  api: { workers: [nope], health: { path: nope } }\n  web: { workers: [] }\nlisten: nope\n',
        [
          'rondo.yaml:1:18: routes[0].pool: "nope" is no pool; use "api" or "web"',
          'rondo.yaml:2:18: trustedProxies[0]: "nope" is no address or network; write it as "10.0.0.0/8"',
          'rondo.yaml:4:20: pools.api.workers[0]: "nope" is not a URL; write it as "http://host:port"',
          'rondo.yaml:4:43: pools.api.health.path: "nope" is not a path; write it as "/health"',
          'rondo.yaml:5:19: pools.web.workers: [] names no worker; give at least one, as "http://host:port"',
          'rondo.yaml:6:9: listen: "nope" is no address; write it as 8080, "127.0.0.1:8080" or "[::1]:8080"',
        ],
      ],
      [
        '{"metrics": "maybe",\n "listen": {},\n "pools": {"api": {"workers": [1, 2]}}}',
        [
          'rondo.yaml:1:13: metrics: "maybe" is unknown; use "on" or "off"',
          'rondo.yaml:2:12: listen.port: is missing; give a whole number from 0 to 65535',
          'rondo.yaml:3:32: pools.api.workers[0]: 1 is no worker; write it as "http://host:port", or as {url: "http://host:port", weight: 2}',
          'rondo.yaml:3:35: pools.api.workers[1]: 2 is no worker; write it as "http://host:port", or as {url: "http://host:port", weight: 2}',
        ],
      ],
    ],
  ],
]

for (const [what, cases] of FILES)
  suite(`errors name the line, the path, the value and the mend: ${what}`, () => {
    for (const [text, lines, env = {}] of cases)
      test(JSON.stringify(text), () => {
        assert.throws(() => parse('rondo.yaml', text, env), {
          name: 'ConfigError',
          message: lines.join('\n'),
        })
      })
  })

test('no error shows a secret', () => {
  const lines = FILES.flatMap(([, cases]) => cases).flatMap(([text, said]) => (/hush/.test(text) ? said : []))
  assert.ok(lines.length > 10)
  for (const line of lines) assert.doesNotMatch(line, /hush/)
})

test('an error of a value that is long shows its beginning', () => {
  assert.throws(() => parse('rondo.yaml', `workers: ${'x'.repeat(1000)}`, {}), {
    message: `rondo.yaml:1:10: workers: "${'x'.repeat(98)}… is no list of workers; write it as ["http://host:port"]`,
  })
})

test('errors of one long line come in its order, and before those of the next', () => {
  const pools = Array.from({ length: 2000 }, (_, i) => `"p${i}": 5`).join(', ')
  try {
    parse('rondo.json', `{"pools": {${pools}},\n"metrics": 5}`, {})
  } catch (error) {
    const lines = (error as Error).message.split('\n')
    assert.equal(lines.length, 2001)
    assert.match(lines[1999] ?? '', /^rondo\.json:1:\d{5}: pools\.p1999: 5 is no object; /)
    assert.match(lines[2000] ?? '', /^rondo\.json:2:12: metrics: 5 is unknown; /)
  }
})

test('each worker that is there again is told, with what else is wrong with its pool', () => {
  const text = `workers:
  - http://a:1
  - http://a:1
  - { url: 'http://b:1', name: 'a:1' }
health: { path: x }
`
  const again = '"a:1" is there twice; give each worker an id of its own'
  assert.throws(() => parse('rondo.yaml', text, {}), {
    message: [
      `rondo.yaml:3:5: workers[1]: ${again}`,
      `rondo.yaml:4:5: workers[2]: ${again}`,
      'rondo.yaml:5:17: health.path: "x" is not a path; write it as "/health"',
    ].join('\n'),
  })
})

test('of a pool of a thousand bad workers the first ten are told, soon', () => {
  const start = performance.now()
  assert.throws(
    () => parse('rondo.yaml', `workers: [${'nonsense, '.repeat(1000)}]`, {}),
    ({ message }: Error) => message.split('\n').length === 10,
  )
  assert.ok(performance.now() - start < 3000)
})

test('a short text cannot make a value without end', () => {
  const lists = Array.from({ length: 20 }, (_, i) => `  - &l${i + 1} [${`*l${i}, `.repeat(10)}]\n`)
  assert.throws(() => parse('rondo.yaml', `listen:\n  - &l0 [80]\n${lists.join('')}`, {}), {
    message:
      'rondo.yaml:1:1: has an anchor that is named more than 1000 times, by way of others too; write some of it out',
  })
})
