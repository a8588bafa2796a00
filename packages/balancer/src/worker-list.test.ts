import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { poolOf, somebody } from '../test/support/fakes.ts'
import type { Pool } from './pool.ts'
import { planUpdate } from './worker-list.ts'

const A = { url: 'http://a.test', name: 'a', weight: 1 }
const B = { url: 'http://b.test', name: 'b', weight: 2 }
const C = { url: 'http://c.test', name: 'c' }

async function readyPool(t: TestContext): Promise<Pool> {
  const pool = poolOf(t, [A, B])
  await pool.ready
  return pool
}

suite('what an update would change of the workers', () => {
  test('is what it then changes', async (t) => {
    const pool = await readyPool(t)
    const lists = [
      [A, B],
      [B],
      [{ ...A, weight: 3 }, C],
      [{ ...A, url: 'http://other.test' }],
      ['http://a.test'],
      [A],
    ]
    for (const list of lists) {
      const { added, removed, kept } = planUpdate(pool.workers, list)
      const planned = [added, removed, kept.map(({ worker }) => worker)].map((workers) =>
        workers.map(({ id }) => id),
      )
      const updated = pool.update(list)
      assert.deepEqual(planned, [updated.added, updated.removed, updated.kept])
      for (const { worker, weight } of kept) assert.equal(worker.fullWeight, weight)
    }
  })

  test('changes nothing', async (t) => {
    const pool = await readyPool(t)
    pool.acquire(somebody)
    const before = pool.stats()
    planUpdate(pool.workers, [{ ...B, weight: 5 }, C])
    assert.deepEqual(pool.stats(), before)
  })

  test('is nothing for a list that no pool takes', async (t) => {
    const { workers } = await readyPool(t)
    for (const list of [[], [A, A], ['ftp://a.test']])
      assert.throws(() => planUpdate(workers, list), { name: 'OptionError' })
  })
})
