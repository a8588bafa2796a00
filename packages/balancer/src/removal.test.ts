import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { poolOf, settled, somebody } from '../test/support/fakes.ts'
import { isSettled, load, picked, recorded } from '../test/support/loads.ts'
import type { Pool } from './pool.ts'

const [A, B] = ['localhost:3001', 'localhost:3002']
const ids = (pool: Pool): string[] => pool.workers.map(({ id }) => id)

async function readyPool(t: TestContext, count = 2): Promise<Pool> {
  const pool = poolOf(t, count)
  await pool.ready
  return pool
}

suite('a worker that is removed', () => {
  test('is drained first, and leaves when it carries nothing more', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const removed = pool.remove(A)
    assert.deepEqual(picked(pool), new Set([B]))
    assert.deepEqual(ids(pool), [A, B])
    one?.finish()
    assert.deepEqual(await removed, { id: A, cut: 0, calledOff: false })
    assert.deepEqual(ids(pool), [B])
    assert.deepEqual(events, [`draining ${A}`, `drained ${A}, 0 cut`, `removed ${A}`])
  })

  test('leaves though a listener throws, which is an uncaught error of its own', async (t) => {
    const pool = await readyPool(t)
    const later = t.mock.method(globalThis, 'queueMicrotask', () => {})
    for (const event of ['draining', 'drained', 'removed'] as const)
      pool.on(event, () => {
        throw new Error(event)
      })
    const [one] = load(pool, A)
    const removed = pool.remove(A)
    one?.finish()
    await removed
    assert.deepEqual(ids(pool), [B])
    for (const [i, event] of ['draining', 'drained', 'removed'].entries())
      assert.throws(later.mock.calls[i]?.arguments[0] as () => void, new RegExp(`^Error: ${event}$`))
  })

  test('waits for no sessions when it was drained before', async (t) => {
    const pool = poolOf(t, 2, { sticky: { secret: 's'.repeat(32) } })
    await pool.ready
    await pool.drain(A, { timeout: 1 })
    await pool.remove(A)
    assert.deepEqual(ids(pool), [B])
  })

  test('leaves at the end of its time at the latest, and what it carries is cut', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const [one, other] = load(pool, A, 2)
    const removed = pool.remove(A, { timeout: 500 })
    t.mock.timers.tick(500)
    assert.deepEqual(await removed, { id: A, cut: 2, calledOff: false })
    assert.deepEqual([one?.isCut, other?.isCut], [true, true])
    assert.deepEqual(ids(pool), [B])
  })

  test('leaves at once when it carries nothing, a drained one too', async (t) => {
    const pool = await readyPool(t)
    const removed = pool.remove(A)
    assert.deepEqual(ids(pool), [B])
    assert.deepEqual(await removed, { id: A, cut: 0, calledOff: false })
    await pool.drain(B)
    void pool.remove(B)
    assert.deepEqual(ids(pool), [])
  })

  test('keeps its name until it has left', async (t) => {
    const pool = await readyPool(t)
    const [one] = load(pool, A)
    const removed = pool.remove(A)
    assert.throws(() => pool.add(`http://${A}`), { message: /^workers: "localhost:3001" is there twice; / })
    one?.finish()
    await removed
    pool.add(`http://${A}`)
    await pool.poll()
    assert.deepEqual(picked(pool), new Set([A, B]))
  })

  test('while it is being drained leaves when that is over', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const drained = pool.drain(A)
    const removed = pool.remove(A)
    one?.finish()
    assert.deepEqual(await Promise.all([drained, removed]), [
      { id: A, cut: 0, calledOff: false },
      { id: A, cut: 0, calledOff: false },
    ])
    assert.deepEqual(ids(pool), [B])
    assert.deepEqual(
      events.filter((event) => !event.startsWith('drained')),
      [`draining ${A}`, `removed ${A}`],
    )
  })

  test('with a shorter time than its drain is cut after the shorter', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    load(pool, A)
    const drained = pool.drain(A, { timeout: 500 })
    const removed = pool.remove(A, { timeout: 100 })
    t.mock.timers.tick(100)
    assert.equal((await removed).cut, 1)
    assert.equal((await drained).cut, 0, 'it is idle now')
    assert.deepEqual(ids(pool), [B])
  })

  test('twice leaves once', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const both = [pool.remove(A), pool.remove(A)]
    one?.finish()
    await Promise.all(both)
    assert.deepEqual(
      events.filter((event) => event.startsWith('removed')),
      [`removed ${A}`],
    )
  })

  test('stays when it is undrained before it has left, and nothing of it is cut', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const removed = pool.remove(A, { timeout: 500 })
    pool.undrain(A)
    assert.deepEqual(await removed, { id: A, cut: 0, calledOff: true })
    t.mock.timers.tick(1000)
    one?.finish()
    await settled()
    assert.equal(one?.isCut, false)
    assert.deepEqual(picked(pool), new Set([A, B]))
    assert.deepEqual(events, [`draining ${A}`])
  })

  test('stays when it is undrained in the very moment in which it has become idle', async (t) => {
    const pool = await readyPool(t)
    const [one] = load(pool, A)
    const removed = pool.remove(A)
    one?.finish()
    pool.undrain(A)
    assert.equal((await removed).calledOff, true)
    assert.deepEqual(picked(pool), new Set([A, B]))
  })

  test('stays when it is undrained while it is being cut', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const lease = pool.acquire(somebody, new Set(), { destroy: () => pool.undrain(lease?.worker.id ?? '') })
    const removed = pool.remove(lease?.worker.id ?? '', { timeout: 500 })
    t.mock.timers.tick(500)
    await removed
    assert.deepEqual(ids(pool), [A, B])
    assert.deepEqual(picked(pool), new Set([A, B]))
  })
})

suite('two drains of one worker', () => {
  test('are over together, when it carries nothing more', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const both = Promise.all([pool.drain(A), pool.drain(A)])
    assert.equal(await isSettled(both), false)
    one?.finish()
    assert.deepEqual(
      (await both).map(({ cut, calledOff }) => [cut, calledOff]),
      [
        [0, false],
        [0, false],
      ],
    )
    assert.deepEqual(
      events.filter((event) => event.startsWith('draining')),
      [`draining ${A}`],
    )
  })

  test('are called off together', async (t) => {
    const pool = await readyPool(t)
    load(pool, A)
    const both = Promise.all([pool.drain(A), pool.drain(A)])
    pool.undrain(A)
    assert.deepEqual(
      (await both).map(({ calledOff }) => calledOff),
      [true, true],
    )
  })

  test('one after the other was called off know nothing of one another', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const [one] = load(pool, A)
    const first = pool.drain(A, { timeout: 100 })
    pool.undrain(A)
    const second = pool.drain(A, { timeout: 500 })
    assert.equal((await first).calledOff, true)
    t.mock.timers.tick(100)
    assert.equal(one?.isCut, false, 'the first has no say any more')
    assert.equal(await isSettled(second), false)
    t.mock.timers.tick(400)
    assert.equal((await second).cut, 1)
  })
})

suite('a pool that is closed', () => {
  test('picks nobody, and reports each worker when what it carries is over', async (t) => {
    const pool = await readyPool(t)
    const [one] = load(pool, B)
    const closed = pool.close()
    assert.equal(pool.acquire(somebody), undefined)
    assert.equal(pool.hasEligible(new Set()), false)
    assert.equal(await isSettled(closed), false)
    one?.finish()
    assert.deepEqual(await closed, [
      { id: A, cut: 0, calledOff: false },
      { id: B, cut: 0, calledOff: false },
    ])
  })

  test('cuts what is carried after its time, and is closed once', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const loads = [...load(pool, A, 2), ...load(pool, B)]
    const closed = pool.close({ timeout: 500 })
    const again = pool.close()
    t.mock.timers.tick(500)
    assert.deepEqual(
      (await closed).map(({ cut }) => cut),
      [2, 1],
    )
    assert.ok(loads.every(({ isCut }) => isCut))
    assert.deepEqual(await again, await closed)
  })

  test('picks nobody again, whoever is undrained', async (t) => {
    const pool = await readyPool(t)
    await pool.close()
    pool.undrain(A)
    await pool.poll()
    assert.equal(pool.acquire(somebody), undefined)
  })
})
