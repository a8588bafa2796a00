import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Config } from '../src/config/config.ts'
import { parse } from '../src/config/load.ts'
import { applyEdits, withEdit } from '../src/edits.ts'

const of = (fields: object): Config => parse('f', JSON.stringify(fields), {}).config

const HTTP = 'http://w.test:80'
const TCP = 'tcp://w.test:80'
const REDIS = { redis: { workers: [TCP] } }

suite('a config with tcp', () => {
  for (const [what, fields, ports] of [
    ['and pools for TCP opens no HTTP listener', { pools: REDIS, tcp: [{ listen: 1, pool: 'redis' }] }, []],
    ['and a default pool for TCP opens none', { workers: [TCP], tcp: [{ listen: 1, pool: 'default' }] }, []],
    [
      'whose default pool is for HTTP, and is its own, opens none',
      { workers: [HTTP], tcp: [{ listen: 1, sni: { 'a.test': 'default' } }] },
      [],
    ],
    [
      'and a default pool that serves HTTP opens port 80',
      { workers: [HTTP], pools: REDIS, tcp: [{ listen: 1, pool: 'redis' }] },
      [80],
    ],
    [
      'and routes opens port 80',
      { pools: REDIS, tcp: [{ listen: 1, pool: 'redis' }], routes: [{ answer: { status: 204 } }] },
      [80],
    ],
    [
      'and listen opens what that says',
      { listen: 81, workers: [TCP], tcp: [{ listen: 1, pool: 'default' }] },
      [81],
    ],
    ['that is empty is as one without', { workers: [HTTP], tcp: [] }, [80]],
  ] as const)
    test(what, () => {
      assert.deepEqual(
        of(fields).listen.map(({ port }) => port),
        ports,
      )
    })

  test('has the default route for HTTP alone', () => {
    assert.deepEqual(of({ workers: [HTTP] }).routes, [{ pool: 'default' }])
    assert.deepEqual(of({ workers: [TCP], tcp: [{ listen: 1, pool: 'default' }] }).routes, [])
  })

  test('has probes that say LOCAL where version 2 is sent to the port that they ask', () => {
    const health = (send: string, more: object): unknown =>
      of({
        pools: { redis: { workers: [TCP], health: { rise: 1, ...more } } },
        tcp: [{ listen: 1, sni: { 'a.test': 'redis' }, proxyProtocol: { send } }],
      }).pools.get('redis')?.options.health
    const said = (health: unknown): unknown => (health as { proxyProtocol?: string }).proxyProtocol
    assert.equal(said(health('v2', {})), 'v2')
    assert.equal(said(health('v1', {})), undefined)
    assert.equal(said(health('v2', { port: 81 })), undefined)
  })
})

suite('edits of workers for TCP', () => {
  const file = of({ pools: REDIS, tcp: [{ listen: 1, pool: 'redis' }] })
  const web = of({ pools: { redis: { workers: [HTTP] } }, routes: [{ pool: 'redis' }] })

  test('hold by the name and the origin of a worker', () => {
    const [id] = ['w.test:80']
    const heavy = { pool: 'redis', id, wanted: { url: TCP, weight: 2 } }
    const edits = withEdit([], file, heavy)
    assert.deepEqual(applyEdits(file, edits).config.pools.get('redis')?.workers, [heavy.wanted])
    assert.deepEqual(withEdit(edits, file, { ...heavy, wanted: { url: TCP } }), [])
    const secure = of({
      pools: { redis: { workers: ['tls://w.test:80'] } },
      tcp: [{ listen: 1, pool: 'redis' }],
    })
    assert.match(applyEdits(secure, edits).dropped[0]?.why ?? '', /says something else of that worker/)
  })

  test('end where the pool becomes one for HTTP', () => {
    const edits = [
      ...withEdit([], file, { pool: 'redis', id: 'w.test:80', wanted: { url: TCP, weight: 2 } }),
      ...withEdit([], file, { pool: 'redis', id: 'x.test:1', wanted: { url: 'tcp://x.test:1' } }),
    ]
    const { config, dropped } = applyEdits(web, edits)
    assert.deepEqual(config.pools.get('redis')?.workers, [HTTP])
    assert.deepEqual(
      dropped.map(({ why }) => why.replace(/^.* is /, 'is ')),
      [
        'the file says something else of that worker now',
        'is a worker for TCP in a pool for HTTP; give it a pool of its own',
      ],
    )
  })
})
