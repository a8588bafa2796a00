import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { poolOf, sickList, somebody } from '../test/support/fakes.ts'
import { isSettled, load, picked, recorded } from '../test/support/loads.ts'
import type { Drained, DrainOptions } from './drain.ts'
import type { Pool } from './pool.ts'

const [A, B] = ['localhost:3001', 'localhost:3002']

async function readyPool(t: TestContext, count = 2): Promise<Pool> {
  const pool = poolOf(t, count)
  await pool.ready
  return pool
}

const whole = (id: string): Drained => ({ id, cut: 0, calledOff: false })

suite('a worker that is drained', () => {
  test('gets nobody new, and the drain is over when the last that it carries is', async (t) => {
    const pool = await readyPool(t)
    const [one, other] = load(pool, A, 2)
    const drained = pool.drain(A)
    assert.equal(pool.workers[0]?.draining, true)
    assert.deepEqual(picked(pool), new Set([B]))
    one?.finish()
    assert.equal(await isSettled(drained), false)
    other?.finish()
    assert.deepEqual(await drained, whole(A))
    assert.deepEqual(picked(pool), new Set([B]), 'and nobody after that')
  })

  test('that carries nothing is drained at once', async (t) => {
    assert.deepEqual(await (await readyPool(t)).drain(A), whole(A))
  })

  test('may be the last: nobody is picked then', async (t) => {
    const pool = await readyPool(t, 1)
    await pool.drain(A)
    assert.equal(pool.acquire(somebody), undefined)
    assert.equal(pool.hasEligible(new Set()), false)
  })

  test('stays in the pool, is polled, and its recovery does not make it eligible', async (t) => {
    const { sick, probe } = sickList()
    const pool = poolOf(t, 2, { probe, rise: 1, fall: 1 })
    await pool.ready
    await pool.drain(A)
    const [worker] = pool.workers
    sick.add(A)
    await pool.poll()
    assert.equal(worker?.alive, false)
    sick.delete(A)
    await pool.poll()
    assert.deepEqual([worker?.alive, worker?.draining], [true, true])
    assert.deepEqual(picked(pool), new Set([B]))
  })

  test('is not told in the metrics as gone', async (t) => {
    const pool = await readyPool(t, 1)
    await pool.drain(A)
    assert.match(pool.metrics.plain(), /^worker_3001_alive 1$/m)
    assert.match(await pool.metrics.openMetrics(), /^rondo_worker_draining\{worker="localhost:3001"\} 1$/m)
  })

  test('tells that it drains, and is drained, in this order', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const drained = pool.drain(A)
    assert.deepEqual(events, [`draining ${A}`])
    one?.finish()
    await drained
    assert.deepEqual(events, [`draining ${A}`, `drained ${A}, 0 cut`])
  })
})

suite('at the end of its time a drain', () => {
  test('cuts what is still carried, and says how many', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [over, ...rest] = load(pool, A, 3)
    const [neighbour] = load(pool, B)
    const drained = pool.drain(A, { timeout: 500 })
    over?.finish()
    t.mock.timers.tick(499)
    assert.equal(await isSettled(drained), false)
    assert.ok(rest.every(({ isCut }) => !isCut))
    t.mock.timers.tick(1)
    assert.deepEqual(await drained, { id: A, cut: 2, calledOff: false })
    assert.ok(rest.every(({ isCut }) => isCut))
    assert.deepEqual([over?.isCut, neighbour?.isCut], [false, false])
    assert.equal(pool.workers[0]?.inFlight, 0)
    assert.deepEqual(events, [`draining ${A}`, `drained ${A}, 2 cut`])
  })

  test('is over, though what it cuts does not let go', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    pool.workers[0]?.lease()
    const drained = pool.drain(A, { timeout: 500 })
    t.mock.timers.tick(500)
    assert.equal((await drained).cut, 1)
  })

  test('has come after 30 s, or when the pool says, or the call', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    for (const [drain, options, timeout] of [
      [undefined, undefined, 30_000],
      [{ timeout: 200 }, undefined, 200],
      [{ timeout: 200 }, { timeout: 70 }, 70],
    ] satisfies [DrainOptions | undefined, DrainOptions | undefined, number][]) {
      const pool = poolOf(t, 1, drain && { drain })
      await pool.ready
      load(pool, A)
      const drained = pool.drain(A, options)
      t.mock.timers.tick(timeout - 1)
      assert.equal(await isSettled(drained), false)
      t.mock.timers.tick(1)
      assert.equal((await drained).cut, 1)
    }
  })
})

suite('undrain', () => {
  test('ends a drain early, cuts nothing, and the worker is picked again', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const drained = pool.drain(A, { timeout: 500 })
    pool.undrain(A)
    assert.deepEqual(await drained, { id: A, cut: 0, calledOff: true })
    t.mock.timers.tick(1000)
    assert.equal(one?.isCut, false)
    assert.deepEqual(picked(pool), new Set([A, B]))
    assert.deepEqual(events, [`draining ${A}`])
  })

  test('gives a worker that is drained its turns again, and it can be drained anew', async (t) => {
    const pool = await readyPool(t)
    await pool.drain(A)
    pool.undrain(A)
    assert.equal(pool.workers[0]?.draining, false)
    assert.deepEqual(picked(pool), new Set([A, B]))
    const [one] = load(pool, A)
    const drained = pool.drain(A)
    assert.deepEqual(picked(pool), new Set([B]))
    one?.finish()
    assert.deepEqual(await drained, whole(A))
  })

  test('does not make an ill worker eligible, and changes nothing for one that is not drained', async (t) => {
    const { sick, probe } = sickList()
    sick.add(A)
    const pool = poolOf(t, 2, { probe })
    await pool.ready
    await pool.drain(A)
    for (const id of [A, B]) pool.undrain(id)
    assert.deepEqual(picked(pool), new Set([B]))
  })
})

suite('what is wrong with a drain is told by option, value and mend, and changes nothing:', () => {
  const unknown = `id: "x" is no worker of this pool; use one of: ${A}, ${B}`
  const bad = 'timeout: 0 is not a duration; give milliseconds above 0, and no more than 2147483647'
  for (const [what, call, message] of [
    ['drain of an unknown id', (pool) => pool.drain('x'), unknown],
    ['remove of an unknown id', (pool) => pool.remove('x'), unknown],
    ['undrain of an unknown id', async (pool) => pool.undrain('x'), unknown],
    ['drain within no time', (pool) => pool.drain(A, { timeout: 0 }), bad],
    ['remove within no time', (pool) => pool.remove(A, { timeout: 0 }), bad],
    ['close within no time', async (pool) => pool.close({ timeout: 0 }), bad],
  ] satisfies [string, (pool: Pool) => Promise<unknown>, string][])
    test(what, async (t) => {
      const pool = await readyPool(t)
      const events = recorded(pool)
      await assert.rejects(call(pool), { name: 'OptionError', message })
      assert.deepEqual(picked(pool), new Set([A, B]))
      assert.ok(pool.workers.every(({ draining }) => !draining))
      assert.deepEqual(events, [])
    })

  for (const timeout of [-1, NaN, Infinity, 2 ** 31, '5', null])
    test(`a timeout of ${timeout}`, async (t) => {
      const pool = await readyPool(t)
      await assert.rejects(pool.drain(A, { timeout: timeout as number }), { name: 'OptionError' })
      assert.deepEqual(picked(pool), new Set([A, B]))
    })
})
