import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test, type TestContext } from 'node:test'
import { poolOf, sickList, somebody, weighted } from '../test/support/fakes.ts'
import type { Pool } from './pool.ts'
import { weightedRoundRobin } from './strategies/weighted-round-robin.ts'
import { ramp, type Worker } from './worker.ts'

/** A pool with a slow start of a second, under a clock that the test turns. */
function starting(t: TestContext, weights: readonly number[], sickAtFirst: readonly number[] = []) {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const { sick, probe } = sickList()
  for (const seq of sickAtFirst) sick.add(`w${seq}.test:80`)
  const pool = poolOf(
    t,
    weights.map((weight, seq) => ({ url: `http://w${seq}.test`, weight })),
    { strategy: 'weighted-round-robin', slowStart: 1000, probe, fall: 1, rise: 1 },
  )
  return { pool, sick, pass: (ms: number) => void (now += ms) }
}

const weightsOf = (pool: Pool): number[] => pool.stats().workers.map(({ weightNow }) => weightNow)

/** How often each worker is picked, by `seq`, of so many times. */
function counts(pool: Pool, times: number): number[] {
  const found = pool.workers.map(() => 0)
  for (let i = 0; i < times; i++) {
    const lease = pool.acquire(somebody) ?? assert.fail()
    lease.release(200)
    found[lease.worker.seq] = (found[lease.worker.seq] ?? 0) + 1
  }
  return found
}

suite('with a slow start', () => {
  test('all workers have their full weight when all are new', async (t) => {
    const { pool } = starting(t, [1, 2, 3])
    await pool.ready
    assert.deepEqual(weightsOf(pool), [1, 2, 3])
    assert.deepEqual(counts(pool, 60), [10, 20, 30])
  })

  test('all of many workers do, though they are probed by and by', async (t) => {
    const { pool } = starting(
      t,
      Array.from({ length: 40 }, () => 1),
    )
    await pool.ready
    assert.ok(weightsOf(pool).every((weight) => weight === 1))
  })

  test('a worker that is back begins with a tenth, and grows to all of it', async (t) => {
    const { pool, sick, pass } = starting(t, [1, 10])
    await pool.ready
    sick.add('w1.test:80')
    await pool.poll()
    sick.clear()
    await pool.poll()
    assert.deepEqual(weightsOf(pool), [1, 1])
    assert.deepEqual(
      pool.stats().workers.map(({ weight }) => weight),
      [1, 10],
    )
    pass(500)
    assert.deepEqual(weightsOf(pool), [1, 5])
    pass(500)
    assert.deepEqual(weightsOf(pool), [1, 10])
  })

  test('picks follow the weight as it grows', async (t) => {
    const { pool, sick, pass } = starting(t, [10, 10], [1])
    await pool.ready
    sick.clear()
    await pool.poll()
    for (const [step, expected] of [
      [0, [100, 10]],
      [500, [100, 50]],
      [500, [100, 100]],
    ] as const) {
      pass(step)
      counts(pool, 40) // what was owed by other weights is forgotten in a round
      const total = expected[0] + expected[1]
      const found = counts(pool, total)
      for (const [i, count] of expected.entries())
        assert.ok(Math.abs((found[i] ?? 0) - count) <= 2, `${found.join()} for ${expected.join()}`)
    }
  })

  test('a worker that is added begins slowly, from its first good probe', async (t) => {
    const { pool, pass } = starting(t, [10])
    await pool.ready
    const added = pool.add({ url: 'http://w1.test', weight: 10 })
    pass(5000)
    await once(pool, 'up')
    assert.deepEqual([added.alive, added.weight, added.fullWeight], [true, 1, 10])
  })

  test('is at a tenth already when listeners hear that it is up', async (t) => {
    const { pool } = starting(t, [10])
    await pool.ready
    pool.add({ url: 'http://w1.test', weight: 10 })
    const [worker] = (await once(pool, 'up')) as [Worker]
    assert.equal(worker.weight, 1)
  })

  test('workers that all come back at once have equal shares', async (t) => {
    const { pool, sick } = starting(t, [1, 1, 1])
    await pool.ready
    for (const { id } of pool.workers) sick.add(id)
    await pool.poll()
    assert.equal(pool.acquire(somebody), undefined)
    sick.clear()
    await pool.poll()
    assert.deepEqual(counts(pool, 30), [10, 10, 10])
  })

  test('one that comes while another still grows does not get the greater part', async (t) => {
    const { pool, sick, pass } = starting(t, [1, 1], [1])
    await pool.ready
    sick.clear()
    await pool.poll()
    sick.add('w0.test:80')
    await pool.poll()
    pass(500)
    sick.clear()
    await pool.poll()
    assert.deepEqual(weightsOf(pool), [0.1, 0.5])
  })

  test('one that comes back again begins again', async (t) => {
    const { pool, sick, pass } = starting(t, [1, 1], [1])
    await pool.ready
    for (let i = 0; i < 2; i++) {
      sick.clear()
      await pool.poll()
      assert.deepEqual(weightsOf(pool), [1, 0.1])
      pass(500)
      sick.add('w1.test:80')
      await pool.poll()
    }
  })

  test('the weight that an update gives grows too', async (t) => {
    const { pool, sick, pass } = starting(t, [1, 1], [1])
    await pool.ready
    sick.clear()
    await pool.poll()
    pool.update(['http://w0.test', { url: 'http://w1.test', weight: 20 }])
    assert.deepEqual(weightsOf(pool), [1, 2])
    pass(1000)
    assert.deepEqual(weightsOf(pool), [1, 20])
  })
})

test('without a slow start a worker that is back has all its weight', async (t) => {
  const { sick, probe } = sickList()
  const pool = poolOf(t, 2, { probe, fall: 1, rise: 1 })
  await pool.ready
  sick.add(pool.workers[0]?.id ?? '')
  await pool.poll()
  sick.clear()
  await pool.poll()
  assert.deepEqual(weightsOf(pool), [1, 1])
})

test('weighted round robin gives what each step of a slow start says, exactly', () => {
  let now = 0
  const list = weighted([10, 10], () => now)
  ramp(list[1] as Worker, 1000)
  const pick = weightedRoundRobin({ random: () => 0 })
  const round = (): number =>
    Array.from({ length: 11 }, () => pick(list, somebody)?.seq).filter(Boolean).length
  assert.deepEqual([round(), round()], [1, 1])
  now = 1000
  assert.equal(round() + round(), 11)
})

for (const slowStart of [0, -1, NaN, Infinity, '1s', null])
  test(`a slow start of ${JSON.stringify(slowStart)} is refused`, (t) => {
    assert.throws(() => poolOf(t, 1, { slowStart: slowStart as number }), {
      name: 'OptionError',
      message: /^slowStart: .+ is not a duration; give milliseconds above 0/,
    })
  })
