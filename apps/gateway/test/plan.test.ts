import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { suite, test, type TestContext } from 'node:test'
import { createPool, type Pool } from '@rondo/balancer'
import type { Config } from '../src/config/config.ts'
import { parse } from '../src/config/load.ts'
import { showAddress } from '../src/config/address.ts'
import { planOf, type Before, type Plan } from '../src/plan.ts'

const SECRET = 'a secret of thirty-two bytes, or more'
const anybody = { ip: undefined, path: '/', isSecure: false, header: none, cookie: none, query: none }

function none(): undefined {}

function configOf(file: object): Config {
  return parse('rondo.yaml', JSON.stringify(file), {}).config
}

/** Pools as a gateway would have them, whose workers are never really asked. */
async function before(t: TestContext, file: object): Promise<Before & { pool(name?: string): Pool }> {
  const config = configOf(file)
  const pools = new Map(
    Array.from(config.pools, ([name, { workers, options }]) => [
      name,
      createPool(workers, { ...options, health: { schedule: '0 0 0 1 1 *', probe: async () => {} } }),
    ]),
  )
  t.after(() => Promise.all(Array.from(pools.values(), (pool) => pool.close({ timeout: 1 }))))
  await Promise.all(Array.from(pools.values(), ({ ready }) => ready))
  return { config, pools, pool: (name = 'default') => pools.get(name) ?? assert.fail() }
}

/** What a reload would change that puts one file in the place of another. */
async function plan(t: TestContext, file: object, next: object): Promise<Plan> {
  return planOf(await before(t, file), configOf(next))
}

const A = { url: 'http://a.test:81', name: 'a' }
const B = { url: 'http://b.test:81', name: 'b', weight: 2 }
const C = { url: 'http://c.test:81', name: 'c' }
const ALL = {
  listen: [8080, '127.0.0.1:9090', '[::1]:9090'],
  workers: [A, B],
  sticky: { secret: SECRET, maxAge: '1h' },
  pools: { api: { workers: [C], timeouts: { response: '10s' }, forwarder: 'undici' } },
  routes: [
    { path: '/api', pool: 'api', headers: { set: { Authorization: 'Basic YTpi' } } },
    { path: '/old', redirect: { to: '/new' } },
  ],
  limits: { header: '32KiB', body: '1MiB' },
  trustedProxies: ['10.0.0.0/8'],
  log: { format: 'json' },
}

suite('a plan', () => {
  test('is empty for the file that is in force', async (t) => {
    assert.deepEqual(await plan(t, ALL, ALL), {
      isEmpty: true,
      streams: 0,
      listeners: { opened: [], closed: [], changed: [] },
      pools: { added: [], removed: [], changed: [] },
      routes: [],
      others: [],
    })
  })

  test('is empty for one that says the same in other words and another order', async (t) => {
    const next = {
      ...Object.fromEntries(Object.entries(ALL).toReversed()),
      listen: ALL.listen.toReversed(),
      workers: [B, { ...A, weight: 1 }],
      routes: ALL.routes.map((route) => Object.fromEntries(Object.entries(route).toReversed())),
      metrics: 'on',
      shutdown: '0.5m',
    }
    assert.equal((await plan(t, ALL, next)).isEmpty, true)
  })

  test('passes through JSON', async (t) => {
    const made = await plan(t, ALL, { workers: [C] })
    assert.equal(made.isEmpty, false)
    assert.deepEqual(JSON.parse(JSON.stringify(made)), made)
  })

  test('changes nothing', async (t) => {
    const made = await before(t, ALL)
    const stats = made.pool().stats()
    planOf(made, configOf({ workers: [{ ...A, weight: 7 }, C] }))
    assert.deepEqual(made.pool().stats(), stats)
  })

  test('shows no secret of either file', async (t) => {
    const next = {
      ...ALL,
      sticky: { secret: [`another ${SECRET}`, SECRET] },
      pools: { api: { ...ALL.pools.api, sticky: { secret: `third ${SECRET}` } } },
      routes: [
        { path: '/api', pool: 'api', headers: { set: { Authorization: 'Basic other' } } },
        { path: '/x', header: { 'X-Api-Key': SECRET }, pool: 'api' },
        { path: '/y', redirect: { to: 'http://me:hunter2@there.test/' } },
      ],
    }
    for (const [one, other] of [
      [ALL, next],
      [next, ALL],
    ] as const) {
      const text = JSON.stringify(await plan(t, one, other))
      assert.match(text, /\(hidden\)/)
      assert.doesNotMatch(text, /thirty-two|YTpi|Basic|hunter2/)
    }
  })
})

suite('the plan of the listeners', () => {
  test('has those that would be opened, and closed with their connections', async (t) => {
    const made = await before(t, { workers: [A], listen: [8080, '127.0.0.1:9090'] })
    const next = configOf({ workers: [A], listen: [8080, '[::1]:9090'] })
    const closed = { listener: '127.0.0.1:9090', with: [] }
    assert.deepEqual(planOf(made, next).listeners, {
      opened: [{ listener: '[::1]:9090', with: [] }],
      closed: [{ ...closed, connections: null }],
      changed: [],
    })
    const connections = new Map([['127.0.0.1:9090', 3]])
    assert.deepEqual(planOf({ ...made, connections }, next).listeners.closed, [{ ...closed, connections: 3 }])
  })

  test('has what would change of one whose address stays', async (t) => {
    const made = await before(t, { workers: [A], listen: [8080] })
    const next = configOf({ workers: [A], listen: [8080] })
    const tls = {
      minVersion: '1.3',
      key: Buffer.from('x'),
      passphrase: 'y',
      cert: '-----BEGIN CERTIFICATE-----',
    }
    const listen = next.listen.map((address) => ({ ...address, tls: tls as never }))
    const { changed } = planOf(made, { ...next, listen }).listeners
    assert.deepEqual(changed, [
      {
        listener: '8080',
        with: ['tls'],
        keys: [
          {
            key: 'tls',
            to: { minVersion: '1.3', key: '(hidden)', passphrase: '(hidden)', cert: '(PEM, 27 bytes)' },
          },
        ],
      },
    ])
  })

  test('has those for TCP too', async (t) => {
    const pools = { redis: { workers: ['tcp://r.test:6379'] }, other: { workers: ['tcp://o.test:6379'] } }
    const entry = { listen: 6379, pool: 'redis', idleTimeout: 0, proxyProtocol: { send: 'v2' } }
    const base = { listen: 8080, pools }
    const none = await plan(
      t,
      { ...base, tcp: [entry] },
      { ...base, tcp: [{ ...entry, maxConnections: 10_000 }] },
    )
    assert.equal(none.isEmpty, true)
    const { listeners } = await plan(
      t,
      { ...base, tcp: [entry, { listen: '127.0.0.1:1', pool: 'other' }] },
      {
        ...base,
        tcp: [
          { ...entry, pool: 'other', idleTimeout: '1m' },
          { listen: 2, sni: { 'a.test': 'redis' } },
        ],
      },
    )
    assert.deepEqual(listeners, {
      opened: [{ listener: 'tcp 2', with: ['sni'] }],
      closed: [{ listener: 'tcp 127.0.0.1:1', with: ['pool other'], connections: null }],
      changed: [
        {
          listener: 'tcp 6379',
          with: ['pool other', 'idleTimeout', 'proxyProtocol'],
          keys: [
            { key: 'pool', from: 'redis', to: 'other' },
            { key: 'idleTimeout', from: 0, to: 60_000 },
          ],
        },
      ],
    })
  })

  test('names them as a config file does', () => {
    const names = ['8080', '127.0.0.1:8080', '[::1]:8080']
    assert.deepEqual(configOf({ listen: names }).listen.map(showAddress), names)
  })
})

suite('the plan of a pool', () => {
  const unchanged = {
    pool: 'default',
    forwarder: 'http-proxy-middleware',
    added: [],
    drained: [],
    weights: [],
    keys: [],
  }

  test('has the workers that would come, go with what they carry, or get another weight', async (t) => {
    const made = await before(t, { workers: [A, B] })
    const lease = made.pool().acquire(anybody, new Set(made.pool().workers.slice(1)))
    assert.equal(lease?.worker.id, 'a')
    const next = {
      workers: [
        { ...B, weight: 3 },
        { ...C, weight: 4 },
      ],
      drain: { timeout: '5s' },
    }
    const { pools, streams } = planOf(made, configOf(next))
    assert.equal(streams, 1)
    assert.deepEqual(pools.changed, [
      {
        ...unchanged,
        added: [{ id: 'c', url: C.url, weight: 4, returns: false }],
        drained: [{ id: 'a', url: A.url, inFlight: 1, timeout: 5000 }],
        weights: [{ id: 'b', from: 2, to: 3 }],
        keys: [{ key: 'drain', to: { timeout: 5000 } }],
        kept: 1,
      },
    ])
  })

  test('takes a worker of the same name at another URL for another, as a reload does', async (t) => {
    const { pools } = await plan(t, { workers: [A, B] }, { workers: [{ ...A, url: 'http://a.test:82' }, B] })
    assert.deepEqual(pools.changed, [
      {
        ...unchanged,
        added: [{ id: 'a', url: 'http://a.test:82', weight: 1, returns: false }],
        drained: [{ id: 'a', url: A.url, inFlight: 0, timeout: 30_000 }],
        kept: 1,
      },
    ])
  })

  test('leaves out who is leaving already, and says who would return', async (t) => {
    const made = await before(t, { workers: [A, B, C] })
    for (let i = 0; i < 3; i++) made.pool().acquire(anybody)
    made.pool().update([B, C])
    const config = configOf({ workers: [B, C] })
    assert.equal(planOf({ ...made, config }, config).isEmpty, true)
    const { pools, streams } = planOf({ ...made, config }, configOf({ workers: [A, B, C] }))
    assert.equal(streams, 0)
    assert.deepEqual(pools.changed, [
      { ...unchanged, added: [{ id: 'a', url: A.url, weight: 1, returns: true }], kept: 2 },
    ])
  })

  test('says what a probe would expect, and takes workers for TCP for another pool than those for HTTP', async (t) => {
    const tcp = [{ listen: 1, pool: 'default' }]
    const worker = 'tcp://r.test:1'
    const of = (expect: string): object => ({ listen: 80, tcp, workers: [worker], health: { expect } })
    const { pools } = await plan(t, of('+PONG'), of('/^\\+P/i'))
    assert.deepEqual(pools.changed[0]?.keys, [{ key: 'health.expect', from: '+PONG', to: '/^\\+P/i' }])
    const { pools: other, streams } = await plan(t, { workers: [A] }, { listen: 80, tcp, workers: [worker] })
    assert.deepEqual([other.changed, streams], [[], 0])
    assert.deepEqual(
      other.added.map(({ pool, added }) => [pool, ...added.map(({ url }) => url)]),
      [['default', worker]],
    )
    assert.deepEqual(
      other.removed.map(({ pool, drained }) => [pool, ...drained.map(({ url }) => url)]),
      [['default', A.url]],
    )
  })

  test('says nothing of a worker that an operator drains, and that stays', async (t) => {
    const made = await before(t, { workers: [A, B] })
    void made.pool().drain('a')
    assert.equal(planOf(made, configOf({ workers: [A, B] })).isEmpty, true)
  })

  test('has the options that would change, by their paths, and the forwarder', async (t) => {
    const file = { workers: [A], timeouts: { response: '10s', idle: '1m' }, strategy: 'ip-hash', breaker: {} }
    const next = {
      workers: [A],
      timeouts: { response: '5s', connect: '1s', idle: '1m' },
      strategy: { hash: { by: 'path' } },
      failover: { retryOn: [503] },
      forwarder: 'undici',
    }
    const { pools } = await plan(t, file, next)
    assert.deepEqual(pools.changed, [
      {
        ...unchanged,
        forwarder: 'undici',
        kept: 1,
        keys: [
          { key: 'strategy', from: 'ip-hash', to: { hash: { by: 'path' } } },
          { key: 'timeouts.response', from: 10_000, to: 5000 },
          { key: 'timeouts.connect', to: 1000 },
          { key: 'breaker', from: {} },
          { key: 'failover', to: { retryOn: ['503'] } },
          { key: 'forwarder', from: 'http-proxy-middleware', to: 'undici' },
        ],
      },
    ])
  })

  test('has pools that would come and go, with their streams', async (t) => {
    const file = { pools: { one: { workers: [A, B], drain: { timeout: '2s' } }, same: { workers: [C] } } }
    const next = { pools: { same: { workers: [C] }, two: { workers: [A], forwarder: 'undici' } } }
    const made = await before(t, file)
    for (let i = 0; i < 5; i++) made.pool('one').acquire(anybody)
    const { pools, streams } = planOf(made, configOf(next))
    assert.equal(streams, 5)
    assert.deepEqual(pools.added, [
      { pool: 'two', forwarder: 'undici', added: [{ id: 'a', url: A.url, weight: 1, returns: false }] },
    ])
    assert.deepEqual(
      pools.removed.map(({ pool, drained }) => [pool, ...drained.map(({ id, timeout }) => [id, timeout])]),
      [['one', ['a', 2000], ['b', 2000]]],
    )
    assert.deepEqual(pools.changed, [])
  })
})

suite('the plan of all other keys', () => {
  test('has each by its path', async (t) => {
    const next = {
      ...ALL,
      limits: { header: '16KiB', body: '1MiB' },
      log: 'off',
      metrics: 'off',
      shutdown: '5s',
      trustedProxies: [],
    }
    const { others, pools } = await plan(t, ALL, next)
    assert.deepEqual(pools.changed, [])
    assert.deepEqual(others, [
      { key: 'limits.header', from: 32_768, to: 16_384 },
      { key: 'trustedProxies', from: ['10.0.0.0/8'], to: [] },
      { key: 'metrics', from: true, to: false },
      { key: 'log.format', from: 'json', to: 'off' },
      { key: 'shutdown', from: 30_000, to: 5000 },
    ])
  })

  for (const [from, to, change] of [
    [2, 4, { key: 'processes', from: 2, to: 4 }],
    [1, 4, { key: 'processes', from: 1, to: 4, restart: true }],
    [4, 1, { key: 'processes', from: 4, to: 1 }],
    [undefined, 2, { key: 'processes', from: 1, to: 2, restart: true }],
    [undefined, 1, undefined],
    ['auto', availableParallelism(), undefined],
  ] as const)
    test(`has processes, from ${from} to ${to}`, async (t) => {
      const { isEmpty, others } = await plan(t, { ...ALL, processes: from }, { ...ALL, processes: to })
      assert.deepEqual(others, change ? [change] : [])
      assert.equal(isEmpty, !change)
    })
})
