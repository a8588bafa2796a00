import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { heldProbe, poolOf, settled, sickList, somebody } from '../test/support/fakes.ts'
import { isSettled, load, picked, recorded } from '../test/support/loads.ts'
import type { Pool } from './pool.ts'
import type { WorkerSpec } from './worker.ts'

const [A, B, C] = ['localhost:3001', 'localhost:3002', 'localhost:3003']
const [urlA, urlB, urlC] = [`http://${A}`, `http://${B}`, `http://${C}`]
const ids = (pool: Pool): string[] => pool.workers.map(({ id }) => id)

async function readyPool(t: TestContext, of: number | readonly WorkerSpec[] = 2): Promise<Pool> {
  const pool = poolOf(t, of)
  await pool.ready
  return pool
}

suite('a worker that an update keeps', () => {
  test('is the same, with its counts, health and place, and gets its new weight', async (t) => {
    const { sick, probe } = sickList()
    sick.add(B)
    const pool = poolOf(t, 2, { probe })
    await pool.ready
    for (let i = 0; i < 3; i++) pool.acquire(somebody)?.release(200)
    load(pool, A)
    const [a, b] = pool.workers
    const events = recorded(pool)
    const { added, removed, kept } = pool.update([
      { url: urlB, weight: 3 },
      { url: urlA, weight: 0.5 },
    ])
    assert.deepEqual(pool.workers, [a, b])
    assert.deepEqual([a?.requests, a?.inFlight, a?.outcomes['2xx'], a?.alive], [4, 1, 3, true])
    assert.deepEqual([a?.weight, b?.weight, b?.alive], [0.5, 3, false])
    assert.deepEqual([added, removed, Array.from(kept).toSorted()], [[], [], [A, B]])
    assert.deepEqual(events, [])
  })

  test('has weight 1 again when none is given', async (t) => {
    const pool = await readyPool(t, [{ url: urlA, weight: 5 }])
    pool.update([urlA])
    assert.equal(pool.workers[0]?.weight, 1)
  })

  test('is not probed anew, and is eligible all the while', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 1, { probe })
    calls[0]?.pass()
    await pool.ready
    pool.update([urlA, urlB])
    assert.deepEqual(
      calls.map(({ worker }) => worker.id),
      [A, B],
    )
    assert.deepEqual(picked(pool), new Set([A]))
  })

  test('may be written in another way', async (t) => {
    const pool = await readyPool(t, ['http://localhost:80'])
    const [worker] = pool.workers
    pool.update([new URL('http://LOCALHOST')])
    assert.deepEqual(pool.workers, [worker])
  })

  test('stays drained when the operator has drained it', async (t) => {
    const pool = await readyPool(t)
    const [one] = load(pool, A)
    const drained = pool.drain(A)
    pool.update([urlA, urlB])
    assert.equal(await isSettled(drained), false)
    assert.equal(pool.workers[0]?.draining, true)
    one?.finish()
    assert.equal((await drained).calledOff, false)
    assert.deepEqual(picked(pool), new Set([B]))
  })

  test('stays, and is picked again, when it was on its way out', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const [worker] = pool.workers
    const { drained } = pool.update([urlB])
    assert.deepEqual(picked(pool), new Set([B]))
    pool.update([urlA, urlB])
    assert.deepEqual(await drained, [{ id: A, cut: 0, calledOff: true }])
    one?.finish()
    await settled()
    assert.equal(pool.workers[0], worker)
    assert.deepEqual(picked(pool), new Set([A, B]))
    assert.deepEqual(events, [`draining ${A}`])
  })
})

suite('a worker that an update brings', () => {
  test('is probed at once, told of, and eligible from its first good probe', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 1, { probe })
    calls[0]?.pass()
    await pool.ready
    const events = recorded(pool)
    const { added, kept } = pool.update([urlC, urlA])
    assert.deepEqual([added, kept, events], [[C], [A], [`added ${C}`]])
    assert.deepEqual(ids(pool), [A, C], 'who comes later is behind')
    assert.deepEqual(picked(pool), new Set([A]))
    calls[1]?.pass()
    await settled()
    assert.deepEqual(picked(pool), new Set([A, C]))
  })

  test('has a place of its own behind all that ever were, and counts from 0', async (t) => {
    const pool = await readyPool(t)
    pool.acquire(somebody)?.release(200)
    const before = pool.workers.map(({ seq }) => seq)
    await pool.update([urlB]).drained
    pool.update([urlA, urlB])
    const after = pool.workers.find(({ id }) => id === A)
    assert.deepEqual(ids(pool), [B, A])
    assert.ok((after?.seq ?? 0) > Math.max(...before))
    assert.deepEqual([after?.requests, after?.alive], [0, false])
  })

  test('to a closed pool is not probed', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 1, { probe })
    calls[0]?.pass()
    await pool.close()
    pool.update([urlA, urlB])
    assert.equal(calls.length, 1)
  })
})

suite('a worker that an update leaves out', () => {
  test('keeps the time that it was given where it is on its way out already', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t, 3)
    const [one] = load(pool, A)
    const gone = pool.remove(A, { timeout: 60_000 })
    pool.update([urlB, urlC], { drain: { timeout: 1000 } })
    pool.update([urlB])
    t.mock.timers.tick(59_000)
    assert.equal(one?.isCut, false)
    t.mock.timers.tick(1000)
    assert.deepEqual(await gone, { id: A, cut: 1, calledOff: false })
    assert.deepEqual(ids(pool), [B])
  })

  test('is drained, and leaves when it carries nothing more', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const { removed, drained } = pool.update([urlB])
    assert.deepEqual([removed, ids(pool)], [[A], [A, B]])
    assert.deepEqual(picked(pool), new Set([B]))
    one?.finish()
    assert.deepEqual(await drained, [{ id: A, cut: 0, calledOff: false }])
    assert.deepEqual(ids(pool), [B])
    assert.deepEqual(events, [`draining ${A}`, `drained ${A}, 0 cut`, `removed ${A}`])
  })

  test('leaves at once when it carries nothing', async (t) => {
    const pool = await readyPool(t)
    pool.update([urlB])
    assert.deepEqual(ids(pool), [B])
  })

  test('is cut after the time that the update gives', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    const [one] = load(pool, A)
    const { drained } = pool.update([urlB], { drain: { timeout: 100 } })
    t.mock.timers.tick(100)
    assert.deepEqual(await drained, [{ id: A, cut: 1, calledOff: false }])
    assert.equal(one?.isCut, true)
  })

  test('once more, while it is on its way out, leaves once', async (t) => {
    const pool = await readyPool(t)
    const events = recorded(pool)
    const [one] = load(pool, A)
    const first = pool.update([urlB])
    const second = pool.update([urlB])
    one?.finish()
    await Promise.all([first.drained, second.drained])
    assert.deepEqual(
      events.filter((event) => event.startsWith('removed')),
      [`removed ${A}`],
    )
  })
})
