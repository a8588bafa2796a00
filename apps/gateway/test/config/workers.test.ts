import assert from 'node:assert/strict'
import { test } from 'node:test'
import { covers } from './covers.ts'
import { ask, start, startWorker, testInPools, until, whoAnswers } from './running.ts'

testInPools('a worker is a URL', ['workers[]'], async (t, place) => {
  const workers = [await startWorker(t, 'a'), await startWorker(t, 'b')]
  const { url } = await start(t, place.file({ workers: workers.map((worker) => worker.url) }))
  assert.deepEqual((await whoAnswers(2, url)).toSorted(), ['a', 'b'])
})

testInPools(
  'a worker is an object',
  ['workers[].url', 'workers[].name', 'workers[].weight'],
  async (t, place) => {
    const [heavy, light] = [await startWorker(t, 'heavy'), await startWorker(t, 'light')]
    const workers = [{ url: heavy.url, name: 'big', weight: 3 }, { url: light.url }]
    const { url, gateway } = await start(t, place.file({ workers, strategy: 'weighted-round-robin' }))
    const served = await whoAnswers(8, url)
    assert.equal(served.filter((name) => name === 'heavy').length, 6)
    assert.deepEqual(
      gateway.pools.get(place.pool)?.workers.map(({ id }) => id),
      ['big', `127.0.0.1:${light.port}`],
    )
  },
)

test('the name of a worker is that in the metrics', async (t) => {
  covers('workers[].name', 'metrics')
  const worker = await startWorker(t)
  const { url } = await start(t, { workers: [{ url: worker.url, name: 'big' }], metrics: 'on' })
  await ask(url)
  assert.match((await ask(`${url}/metrics`)).body, /^worker_big_requests 1$/m)
})

test('without metrics their path is one of the workers', async (t) => {
  covers('metrics')
  const worker = await startWorker(t)
  const { url } = await start(t, { workers: [worker.url], metrics: 'off' })
  assert.equal((await ask(`${url}/metrics`)).got.url, '/metrics')
})

for (const [name, shown] of [
  ['http-proxy-middleware', 'x-case'],
  ['undici', 'X-Case'],
] as const)
  testInPools(`the forwarder is ${name}`, ['forwarder'], async (t, place) => {
    const worker = await startWorker(t)
    const { url } = await start(t, place.file({ workers: [worker.url], forwarder: name }))
    const { got } = await ask(url, { headers: { 'X-Case': '1' } })
    assert.ok(got.rawHeaders.includes(shown), String(got.rawHeaders))
  })

testInPools('round-robin goes round', ['strategy'], async (t, place) => {
  const workers = await Promise.all(['a', 'b', 'c'].map((name) => startWorker(t, name)))
  const { url } = await start(
    t,
    place.file({ workers: workers.map((worker) => worker.url), strategy: 'round-robin' }),
  )
  const served = await whoAnswers(6, url)
  assert.equal(new Set(served.slice(0, 3)).size, 3)
  assert.deepEqual(served.slice(3), served.slice(0, 3))
})

for (const strategy of ['least-connections', 'random-two-choices'])
  testInPools(`${strategy} spares who is busy`, ['strategy'], async (t, place) => {
    const workers = [await startWorker(t, 'a'), await startWorker(t, 'b')]
    const { url } = await start(t, place.file({ workers: workers.map((worker) => worker.url), strategy }))
    const slow = ask(`${url}/?delay=1000`)
    await until('a worker is busy', () => workers.some(({ seen }) => seen.length > 0))
    const busy = workers.find(({ seen }) => seen.length > 0)?.name
    const served = await whoAnswers(6, url)
    assert.ok(!served.includes(busy as string), `${busy} in ${served.join()}`)
    await slow
  })

testInPools('least-response-time prefers who is fast', ['strategy'], async (t, place) => {
  const workers = [await startWorker(t, 'fast'), await startWorker(t, 'slow', { failing: 'delay=150' })]
  const { url } = await start(
    t,
    place.file({ workers: workers.map((worker) => worker.url), strategy: 'least-response-time' }),
  )
  const served = await whoAnswers(12, url)
  assert.ok(served.filter((name) => name === 'fast').length >= 9, String(served))
})

testInPools('ip-hash keeps a client with a worker', ['strategy'], async (t, place) => {
  const workers = [await startWorker(t, 'a'), await startWorker(t, 'b')]
  const { url } = await start(
    t,
    place.file({ workers: workers.map((worker) => worker.url), strategy: 'ip-hash' }),
  )
  const all = new Set<string>()
  for (let i = 1; i <= 24; i++) {
    const served = new Set(await whoAnswers(2, url, { localAddress: `127.0.0.${i}` }))
    assert.equal(served.size, 1)
    for (const name of served) all.add(name)
  }
  assert.equal(all.size, 2)
})

const HASHED = {
  header: (user: string) => ['/', { 'X-User': user }],
  cookie: (user: string) => ['/', { Cookie: `x-user=${user}` }],
  query: (user: string) => [`/?x-user=${user}`, {}],
  path: (user: string) => [`/${user}`, {}],
} satisfies Record<string, (user: string) => [string, Record<string, string>]>

for (const [by, requestOf] of Object.entries(HASHED))
  testInPools(
    `a hash by ${by} keeps a value with a worker`,
    ['strategy.hash.by', 'strategy.hash.name'],
    async (t, place) => {
      const workers = [await startWorker(t, 'a'), await startWorker(t, 'b')]
      const hash = by === 'path' ? { by } : { by, name: 'x-user' }
      const { url } = await start(
        t,
        place.file({ workers: workers.map((worker) => worker.url), strategy: { hash } }),
      )
      const all = new Set<string>()
      for (let i = 0; i < 24; i++) {
        const [path, headers] = requestOf(`user${i}`)
        const served = new Set(await whoAnswers(2, url + path, { headers }))
        assert.equal(served.size, 1)
        for (const name of served) all.add(name)
      }
      assert.equal(all.size, 2)
    },
  )
