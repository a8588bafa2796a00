import assert from 'node:assert/strict'
import { ask, SELDOM, start, startWorker, testInPools } from './running.ts'

const ASK = { type: 'tcp', schedule: SELDOM, send: 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n' }

testInPools('workers are well if they take a connection', ['health.type'], async (t, place) => {
  const worker = await startWorker(t)
  await fetch(`${worker.url}/sick`, { method: 'POST' })
  const { url } = await start(
    t,
    place.file({ workers: [worker.url], health: { type: 'tcp', schedule: SELDOM } }),
  )
  assert.equal((await ask(url)).status, 200)
  assert.equal(worker.probes.size, 0)
})

testInPools(
  'workers are well if they answer what is expected',
  ['health.send', 'health.expect'],
  async (t, place) => {
    const [well, sick] = [await startWorker(t, 'well'), await startWorker(t, 'sick')]
    await fetch(`${sick.url}/sick`, { method: 'POST' })
    const workers = [well.url, sick.url]
    for (const expect of [' 200 OK', '/^http\\/1\\.1 2\\d\\d /i']) {
      const { url, gateway } = await start(t, place.file({ workers, health: { ...ASK, expect } }))
      const names = [await ask(url), await ask(url)].map(({ got }) => got.worker)
      assert.deepEqual(names, ['well', 'well'])
      const [, other] = gateway.pools.get(place.pool)?.stats().workers ?? []
      assert.match(other?.lastProbe?.reason ?? '', /503/)
    }
  },
)

testInPools('workers are asked at another port', ['health.port'], async (t, place) => {
  const [worker, other] = [await startWorker(t), await startWorker(t)]
  await fetch(`${worker.url}/sick`, { method: 'POST' })
  const { url } = await start(
    t,
    place.file({ workers: [worker.url], health: { port: other.port, schedule: SELDOM } }),
  )
  assert.equal((await ask(url)).status, 200)
  assert.deepEqual([worker.probes.size, other.probes.get('/health')], [0, 1])
})
