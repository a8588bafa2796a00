import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import { getTasks } from 'node-cron'
import { NEVER, specs } from '../test/support/fakes.ts'
import { OptionError } from './errors.ts'
import { createPool } from './create-pool.ts'
import type { PoolOptions } from './pool-options.ts'
import type { WorkerSpec } from './worker.ts'

const round: Record<string, unknown> = {}
round['self'] = round

suite('createPool refuses, naming the option, the value and the mend,', () => {
  for (const [what, workers, message] of [
    ['no worker', [], 'workers: [] names no worker; give at least one, as "http://host:port"'],
    [
      'what is no list',
      'http://a.test',
      'workers: "http://a.test" names no worker; give at least one, as "http://host:port"',
    ],
    ['nothing', undefined, 'workers: undefined names no worker; give at least one, as "http://host:port"'],
    [
      'what cannot be shown as JSON',
      round,
      'workers: <ref *1> { self: [Circular *1] } names no worker; give at least one, as "http://host:port"',
    ],
    [
      'a bad worker, by its place',
      ['http://a.test', 'ws://b.test'],
      'workers[1]: "ws://b.test" has the unsupported protocol "ws:"; use "http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"',
    ],
    [
      'a bad weight, by its place',
      [{ url: 'http://a.test', weight: 0 }],
      'workers[0].weight: 0 is not a weight; give a number above 0',
    ],
    [
      'the same worker twice',
      ['http://a.test', 'http://A.test:80/'],
      'workers: "a.test:80" is there twice; give each worker an id of its own',
    ],
    [
      'one name for two workers',
      [
        { url: 'http://a.test', name: 'x' },
        { url: 'http://b.test', name: 'x' },
      ],
      'workers: "x" is there twice; give each worker an id of its own',
    ],
    [
      'a name that is the id of another',
      ['http://a.test', { url: 'http://b.test', name: 'a.test:80' }],
      'workers: "a.test:80" is there twice; give each worker an id of its own',
    ],
  ] as const)
    test(what, () => {
      assert.throws(() => createPool(workers as unknown as WorkerSpec[]), { name: 'OptionError', message })
    })

  for (const [options, message] of [
    ...['fastest', 'toString', null, {}, ['ip-hash']].map(
      (bad) =>
        [
          { strategy: bad },
          `strategy: ${typeof bad === 'string' ? `"${bad}"` : inspect(bad)} is unknown; use "round-robin", "weighted-round-robin", "least-connections", "least-response-time", "random-two-choices", "ip-hash", { hash: { by: "header", name: "x-user" } }, or a function of your own`,
        ] as const,
    ),
    [
      { strategy: 'hash' },
      'strategy: "hash" does not say by what; write { hash: { by: "header", name: "x-user" } }',
    ],
    [
      { strategy: { hash: 'path' } },
      'hash: "path" does not say by what; write { by: "header", name: "x-user" }',
    ],
    [
      { strategy: { hash: { by: 'ip' } } },
      'hash.by: "ip" is unknown; use "header", "cookie", "query" or "path"',
    ],
    [
      { strategy: { hash: { by: 'cookie' } } },
      'hash.name: undefined is no name; say which cookie, as { by: "cookie", name: "user" }',
    ],
    [{ health: { path: 'health' } }, 'health.path: "health" is not a path; write it as "/health"'],
    [{ health: { path: '/a b' } }, 'health.path: "/a b" is not a path; write it as "/health"'],
    [
      { health: { path: '/a\r\nX: y' } },
      String.raw`health.path: "/a\r\nX: y" is not a path; write it as "/health"`,
    ],
    [{ health: { path: '' } }, 'health.path: "" is not a path; write it as "/health"'],
    [{ health: { path: 7 } }, 'health.path: 7 is not a path; write it as "/health"'],
    [{ health: { rise: 0 } }, 'health.rise: 0 is not a count; give a whole number of 1 or more'],
    [{ health: { rise: 1.5 } }, 'health.rise: 1.5 is not a count; give a whole number of 1 or more'],
    [{ health: { fall: -1 } }, 'health.fall: -1 is not a count; give a whole number of 1 or more'],
    [{ health: { fall: '3' } }, 'health.fall: "3" is not a count; give a whole number of 1 or more'],
    [{ health: { timeout: 0 } }, 'health.timeout: 0 is not a duration; give milliseconds above 0'],
    [{ health: { timeout: NaN } }, 'health.timeout: NaN is not a duration; give milliseconds above 0'],
    [{ health: { timeout: '500' } }, 'health.timeout: "500" is not a duration; give milliseconds above 0'],
    [
      { health: { timeout: 2000 } },
      'health.timeout: 2000 ms is not below the 2000 ms between two ticks of "*/2 * * * * *"; shorten it, or space the schedule',
    ],
    [
      { health: { timeout: Infinity } },
      'health.timeout: Infinity ms is not below the 2000 ms between two ticks of "*/2 * * * * *"; shorten it, or space the schedule',
    ],
    [
      { health: { schedule: '* * * * * *', timeout: 1000 } },
      'health.timeout: 1000 ms is not below the 1000 ms between two ticks of "* * * * * *"; shorten it, or space the schedule',
    ],
    [{ failover: { attempts: 0 } }, 'failover.attempts: 0 is not a count; give a whole number of 1 or more'],
    [
      { failover: { attempts: 2.5 } },
      'failover.attempts: 2.5 is not a count; give a whole number of 1 or more',
    ],
    [
      { failover: { attempts: '3' } },
      'failover.attempts: "3" is not a count; give a whole number of 1 or more',
    ],
    [
      { failover: { attempts: Infinity } },
      'failover.attempts: Infinity is not a count; give a whole number of 1 or more',
    ],
    [
      { failover: { deadline: 0 } },
      'failover.deadline: 0 is not a duration; give milliseconds above 0, and no more than 2147483647',
    ],
    [
      { failover: { budget: { ratio: 1.5 } } },
      'failover.budget.ratio: 1.5 is not a share; give a number from 0 to 1',
    ],
    [
      { failover: { budget: { floor: -1 } } },
      'failover.budget.floor: -1 is not a rate; give retries per second, 0 or more',
    ],
    [
      { failover: { retryOn: ['500'] } },
      'failover.retryOn: "500" is no reason; give a list of "502", "503", "504", "timeout"',
    ],
    [
      { failover: { retryOn: 503 } },
      'failover.retryOn: 503 is no reason; give a list of "502", "503", "504", "timeout"',
    ],
    ...(['connect', 'response', 'idle', 'body', 'upgrade'] as const).flatMap((name) =>
      [0, -1, NaN, Infinity, '3s', 2 ** 31].map(
        (value) =>
          [
            { timeouts: { [name]: value } },
            `timeouts.${name}: ${typeof value === 'string' ? `"${value}"` : value} is not a duration; give milliseconds above 0, and no more than 2147483647`,
          ] as const,
      ),
    ),
    [
      { keepAlive: { idle: -4 } },
      'keepAlive.idle: -4 is not a duration; give milliseconds above 0, and no more than 2147483647',
    ],
    [
      { drain: { timeout: 0 } },
      'drain.timeout: 0 is not a duration; give milliseconds above 0, and no more than 2147483647',
    ],
    ...[-1, NaN, '1mb', null].map(
      (bad) =>
        [
          { limits: { body: bad } },
          `limits.body: ${inspect(bad).replaceAll("'", '"')} is not a size; give bytes, 0 or more`,
        ] as const,
    ),
    [
      { health: { probe: 'http' } },
      'health.probe: "http" is not a probe; give an async function (worker, signal)',
    ],
  ] as const)
    test(message, () => {
      assert.throws(() => createPool(specs(1), options as PoolOptions), { name: 'OptionError', message })
    })

  test('a schedule that is none', () => {
    assert.throws(
      () => createPool(specs(1), { health: { schedule: 'often' } }),
      /^OptionError: health\.schedule: "often" is not a schedule \(.+\); write a cron expression such as/,
    )
  })

  test('anything before it starts anything', () => {
    const tasks = getTasks().size
    const probe = (): never => assert.fail('a probe went out')
    assert.throws(() => createPool(specs(1), { strategy: 'x' as never, health: { schedule: NEVER, probe } }))
    assert.throws(() => createPool(['http://a.test', 'nowhere'], { health: { schedule: NEVER, probe } }))
    assert.throws(() => createPool(specs(1), { health: { schedule: NEVER, probe, rise: 0 } }))
    assert.equal(getTasks().size, tasks)
  })
})

suite('createPool takes', () => {
  for (const health of [
    { timeout: 1999 },
    { schedule: '* * * * * *' },
    { schedule: '* * * * * *', timeout: 999 },
    { schedule: '0,*/2 * * * * *', timeout: 1500 },
    { schedule: '* * * * *', timeout: 59_999 },
    { path: '/' },
    { path: '/up?deep=1' },
    { rise: 1, fall: 1 },
  ])
    test(`health: ${JSON.stringify(health)}`, (t) => {
      const pool = createPool(specs(1), { health: { ...health, probe: async () => {} } })
      t.after(() => pool.close())
    })
})

suite('an option error', () => {
  test('is a TypeError, with a name of its own', () => {
    const error = new OptionError('o', 1, 'is wrong')
    assert.ok(error instanceof TypeError)
    assert.equal(String(error), 'OptionError: o: 1 is wrong')
  })

  for (const [value, shown] of [
    ['a "quoted"\nline', String.raw`"a \"quoted\"\nline"`],
    [new URL('http://a.test/x'), '"http://a.test/x"'],
    [{ a: 1, b: 'c' }, "{ a: 1, b: 'c' }"],
    [[1, 2], '[ 1, 2 ]'],
    [() => {}, 'function (anonymous)'],
    [Symbol('s'), 'Symbol(s)'],
    [10n, '10n'],
    [undefined, 'undefined'],
  ] as const)
    test(`shows its value as ${shown}`, () =>
      assert.equal(new OptionError('o', value, '').message, `o: ${shown} `))

  test('shows a large value in short', () => {
    assert.ok(new OptionError('o', process, 'is wrong').message.length < 250)
  })
})
