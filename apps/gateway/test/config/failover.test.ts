import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ask, start, startWorker, testInPools, until, type TestWorker } from './running.ts'

/** Workers that all fail in one way. */
function failing(t: TestContext, count: number, how: string): Promise<TestWorker[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker(t, 'bad', { failing: how })))
}

const urls = (workers: readonly TestWorker[]): string[] => workers.map(({ url }) => url)
const requests = (workers: readonly TestWorker[]): number =>
  workers.reduce((sum, { seen }) => sum + seen.length, 0)

testInPools('a request has so many attempts', ['failover.attempts'], async (t, place) => {
  for (const attempts of [1, 2, 4]) {
    const workers = await failing(t, 4, 'cut')
    const { url } = await start(t, place.file({ workers: urls(workers), failover: { attempts } }))
    assert.equal((await ask(url)).status, 502)
    assert.equal(requests(workers), attempts)
  }
})

testInPools('all attempts together have a deadline', ['failover.deadline'], async (t, place) => {
  const workers = await failing(t, 2, 'delay=20000')
  const { url } = await start(t, place.file({ workers: urls(workers), failover: { deadline: '200ms' } }))
  const begun = performance.now()
  assert.equal((await ask(url)).status, 504)
  assert.ok(performance.now() - begun < 10_000)
})

testInPools('retries have a budget', ['failover.budget.ratio', 'failover.budget.floor'], async (t, place) => {
  for (const [budget, retries] of [
    [{ ratio: 0, floor: 0 }, 0],
    [{ ratio: 1, floor: 0 }, 1],
    [{ ratio: 0, floor: 100 }, 1],
  ] as const) {
    const workers = await failing(t, 2, 'cut')
    const { url } = await start(t, place.file({ workers: urls(workers), failover: { budget } }))
    assert.equal((await ask(url)).status, 502)
    assert.equal(requests(workers), 1 + retries, JSON.stringify(budget))
  }
})

for (const [reason, how] of [
  ['502', 'status=502'],
  ['503', 'status=503'],
  ['504', 'status=504'],
  ['timeout', 'delay=20000'],
] as const)
  testInPools(`a request goes on from ${reason}`, ['failover.retryOn[]'], async (t, place) => {
    for (const retryOn of [[reason], []]) {
      const workers = await failing(t, 2, how)
      const { url } = await start(
        t,
        place.file({ workers: urls(workers), failover: { retryOn }, timeouts: { response: '100ms' } }),
      )
      assert.equal((await ask(url)).status, reason === 'timeout' ? 504 : Number(reason))
      assert.equal(requests(workers), retryOn.length === 0 ? 1 : 2)
    }
  })

testInPools(
  'a breaker opens after failures, for a time',
  ['breaker.failures', 'breaker.open'],
  async (t, place) => {
    const bad = await startWorker(t, 'bad', { failing: 'status=500' })
    const good = await startWorker(t, 'good')
    const breaker = { failures: 2, open: '300ms' }
    const { url } = await start(t, place.file({ workers: urls([bad, good]), breaker }))
    for (let i = 0; i < 4; i++) await ask(url)
    const opened = performance.now()
    assert.equal(bad.seen.length, 2)
    await until('it is tried again', async () => {
      await ask(url)
      return bad.seen.length > 2
    })
    assert.ok(performance.now() - opened > 200)
  },
)

testInPools('a breaker forgets failures that are long ago', ['breaker.within'], async (t, place) => {
  for (const [within, isForgotten] of [
    ['30ms', true],
    ['1h', false],
  ] as const) {
    const bad = await startWorker(t, 'bad', { failing: 'status=500' })
    const good = await startWorker(t, 'good')
    const breaker = { failures: 2, within, open: '1h' }
    const { url } = await start(t, place.file({ workers: urls([bad, good]), breaker }))
    for (let i = 0; i < 8; i++) {
      await ask(url)
      await pause(20) // between two turns of the bad one there are two
    }
    assert.equal(bad.seen.length, isForgotten ? 4 : 2)
  }
})
