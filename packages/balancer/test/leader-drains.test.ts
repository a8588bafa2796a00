import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { createPool, type Pool, type PoolOptions } from '../src/index.ts'
import { NEVER, settled, specs } from './support/fakes.ts'

const A = 'localhost:3001'
const URL_A = 'http://localhost:3001/'

const first = (pool: Pool) => pool.stats().workers[0] ?? assert.fail()

/** A leader that asks to be settled, and how often it has; `settle` says that it is. */
async function unsettled(t: TestContext, options: PoolOptions = {}) {
  const { promise, resolve: settle } = Promise.withResolvers<void>()
  const asked: object[] = []
  const leader = createPool(
    specs(2),
    { ...options, health: { schedule: NEVER, probe: async () => {} } },
    () => {
      asked.push({})
      return promise
    },
  )
  t.after(() => void leader.close({ timeout: 1 }))
  await leader.ready
  return { leader, asked, settle }
}

/** Whether a drain is over, now. */
function watched(drain: Promise<unknown>): () => Promise<boolean> {
  let isOver = false
  void drain.then(() => (isOver = true))
  return async () => {
    await settled()
    return isOver
  }
}

suite('a drain of a leader whose followers are to be heard first', () => {
  test('is not over before that, nor before what they had begun is over', async (t) => {
    const { leader, asked, settle } = await unsettled(t)
    const drained = leader.drain(A)
    const isOver = watched(drained)
    assert.equal(asked.length, 1)
    assert.equal(await isOver(), false)
    leader.count({ workers: [{ id: A, url: URL_A, attempts: 1 }] }, t)
    settle()
    assert.equal(await isOver(), false)
    leader.count({ workers: [{ id: A, url: URL_A, outcomes: { '2xx': 1 } }] }, t)
    assert.deepEqual(await drained, { id: A, cut: 0, calledOff: false })
  })

  test('is over then, if they had begun nothing', async (t) => {
    const { leader, settle } = await unsettled(t)
    const isOver = watched(leader.drain(A))
    assert.equal(await isOver(), false)
    settle()
    assert.equal(await isOver(), true)
  })

  test('keeps a worker that is removed, or that an update leaves out, though nothing is in flight', async (t) => {
    const { leader, settle } = await unsettled(t)
    void leader.remove(A)
    leader.update(specs(3).slice(1))
    await settled()
    assert.equal(first(leader).leaving, true)
    settle()
    await settled()
    assert.notEqual(first(leader).id, A)
  })

  test('takes no time for sessions that a worker has lost by an earlier one', async (t) => {
    const { leader, settle } = await unsettled(t, { sticky: { secret: 'a secret of 32 characters or more' } })
    settle()
    await leader.drain(A, { timeout: 1 })
    void leader.remove(A)
    await settled()
    assert.notEqual(first(leader).id, A)
  })

  test('cuts the rest in time, whether they were heard or not', async (t) => {
    const { leader } = await unsettled(t)
    leader.count({ workers: [{ id: A, url: URL_A, attempts: 2 }] }, t)
    assert.deepEqual(await leader.drain(A, { timeout: 1 }), { id: A, cut: 2, calledOff: false })
  })

  test('is called off at once', async (t) => {
    const { leader } = await unsettled(t)
    const drained = leader.drain(A)
    leader.undrain(A)
    assert.equal((await drained).calledOff, true)
    assert.equal(first(leader).draining, false)
  })
})
