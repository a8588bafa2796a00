import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { clientOf, poolOf, somebody, sickList } from '../test/support/fakes.ts'
import type { BreakerOptions } from './breaker.ts'
import type { Pool } from './pool.ts'
import type { PoolOptions } from './pool-options.ts'
import type { Outcome } from './worker.ts'

const REST = 500

/** A pool of `count` workers whose breakers open after two failures, and what it told. */
async function breaking(
  t: TestContext,
  count: number,
  options: BreakerOptions = {},
  more: Pick<PoolOptions, 'sticky' | 'strategy'> = {},
) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { sick, probe } = sickList()
  const pool = poolOf(t, count, { ...more, probe, fall: 1, breaker: { failures: 2, open: REST, ...options } })
  await pool.ready
  const events: string[] = []
  for (const event of ['breaker-open', 'breaker-close', 'up', 'down'] as const)
    pool.on(event, (worker: { seq: number }) => events.push(`${event} ${worker.seq}`))
  return { pool, events, sick, pass: (ms: number) => t.mock.timers.tick(ms) }
}

/** Ends so many attempts on this worker, whoever else is picked in between. */
function end(pool: Pool, seq: number, outcome: Outcome, times = 1): void {
  const others = new Set(pool.workers.filter((worker) => worker.seq !== seq))
  for (let i = 0; i < times; i++) (pool.acquire(somebody, others) ?? assert.fail()).release(outcome)
}

/** Who is picked, by `seq`, in so many picks that all end well. */
function picked(pool: Pool, times = 12): number[] {
  const seqs = new Set<number>()
  for (let i = 0; i < times; i++) {
    const lease = pool.acquire(somebody) ?? assert.fail('nobody was picked')
    seqs.add(lease.worker.seq)
    lease.release(200)
  }
  return [...seqs].toSorted((a, b) => a - b)
}

const states = (pool: Pool): string[] => pool.stats().workers.map(({ breaker }) => breaker)

suite('a pool with a breaker', () => {
  test('does not pick a worker that keeps failing, though it is alive', async (t) => {
    const { pool, events } = await breaking(t, 3)
    end(pool, 1, 'failed')
    assert.deepEqual(picked(pool), [0, 1, 2])
    end(pool, 1, 500)
    assert.deepEqual(picked(pool), [0, 2])
    assert.deepEqual(states(pool), ['closed', 'open', 'closed'])
    assert.equal(pool.workers[1]?.alive, true)
    assert.equal(pool.stats().eligible, 2)
    assert.deepEqual(events, ['breaker-open 1'])
  })

  test('has the refusal in effect when its listeners hear of it', async (t) => {
    const { pool } = await breaking(t, 2)
    const eligible: number[] = []
    pool.on('breaker-open', () => eligible.push(pool.stats().eligible))
    end(pool, 0, 'failed', 2)
    assert.deepEqual(eligible, [1])
  })

  test('lets an attempt end well though a listener throws: that is seen as an uncaught error', async (t) => {
    const { pool } = await breaking(t, 2)
    const later = t.mock.method(globalThis, 'queueMicrotask', () => {})
    pool.on('breaker-open', () => {
      throw new Error('listener')
    })
    end(pool, 0, 500, 2)
    assert.deepEqual(states(pool), ['open', 'closed'])
    assert.throws(later.mock.calls[0]?.arguments[0] as () => void, /^Error: listener$/)
  })

  test('pauses nobody when that would be all who are left', async (t) => {
    const { pool } = await breaking(t, 3)
    end(pool, 0, 'failed', 2)
    end(pool, 1, 'failed', 2)
    assert.deepEqual(picked(pool), [2])
    end(pool, 2, 'failed', 2)
    assert.deepEqual(states(pool), ['open', 'open', 'open'])
    assert.deepEqual(picked(pool), [0, 1, 2])
    assert.ok(pool.workers.every(({ alive }) => alive))
  })

  test('never refuses the only worker', async (t) => {
    const { pool } = await breaking(t, 1)
    end(pool, 0, 'failed', 9)
    assert.deepEqual(picked(pool), [0])
  })

  test('picks paused workers when those who were not are down or draining', async (t) => {
    const { pool, sick } = await breaking(t, 3)
    end(pool, 0, 'failed', 2)
    sick.add(pool.workers[1]?.id ?? '')
    await pool.poll()
    assert.deepEqual(picked(pool), [2])
    void pool.drain(pool.workers[2]?.id ?? '')
    assert.deepEqual(picked(pool), [0])
    pool.undrain(pool.workers[2]?.id ?? '')
    assert.deepEqual(picked(pool), [2])
  })

  test('lets exactly one attempt through when the rest is over, until that one has ended', async (t) => {
    const { pool, events, pass } = await breaking(t, 2)
    end(pool, 0, 'failed', 2)
    pass(REST - 1)
    assert.deepEqual(picked(pool), [1])
    pass(1)
    assert.deepEqual(states(pool), ['half-open', 'closed'])
    const leases = Array.from({ length: 10 }, () => pool.acquire(somebody) ?? assert.fail())
    const [trial, ...more] = leases.filter(({ worker }) => worker.seq === 0)
    assert.equal(more.length, 0)
    trial?.release(204)
    assert.deepEqual(states(pool), ['closed', 'closed'])
    assert.deepEqual(picked(pool), [0, 1])
    assert.deepEqual(events, ['breaker-open 0', 'breaker-close 0'])
  })

  test('waits for that very one, though an older attempt ends meanwhile', async (t) => {
    const { pool, pass } = await breaking(t, 2)
    const [, other] = pool.workers
    const older = pool.acquire(somebody, new Set(other && [other]))
    end(pool, 0, 'failed', 2)
    pass(REST)
    const trial = pool.acquire(somebody, new Set(other && [other]))
    older?.release(200)
    assert.deepEqual(states(pool), ['half-open', 'closed'])
    assert.deepEqual(picked(pool), [1])
    trial?.release(200)
    assert.deepEqual(states(pool), ['closed', 'closed'])
  })

  test('gives the worker as long a rest again when that one fails', async (t) => {
    const { pool, events, pass } = await breaking(t, 2)
    end(pool, 0, 'failed', 2)
    pass(REST)
    end(pool, 0, 'failed')
    assert.deepEqual(picked(pool), [1])
    pass(REST - 1)
    assert.deepEqual(picked(pool), [1])
    pass(1)
    assert.deepEqual(picked(pool), [0, 1])
    assert.deepEqual(events, ['breaker-open 0', 'breaker-open 0', 'breaker-close 0'])
  })

  test('lets the next one through when the client of that one has left', async (t) => {
    const { pool, pass } = await breaking(t, 2)
    end(pool, 0, 'failed', 2)
    pass(REST)
    end(pool, 0, 'client-gone')
    assert.deepEqual(states(pool), ['half-open', 'closed'])
    assert.deepEqual(picked(pool), [0, 1])
    assert.deepEqual(states(pool), ['closed', 'closed'])
  })

  test('has a worker that dies and comes back rest on', async (t) => {
    const { pool, sick } = await breaking(t, 2)
    end(pool, 0, 'failed', 2)
    sick.add(pool.workers[0]?.id ?? '')
    await pool.poll()
    sick.clear()
    await pool.poll()
    await pool.poll()
    assert.equal(pool.workers[0]?.alive, true)
    assert.deepEqual(picked(pool), [1])
  })

  test('takes no notice of attempts on a worker that has left meanwhile', async (t) => {
    const { pool, events, pass } = await breaking(t, 2)
    const leases = Array.from({ length: 8 }, () => pool.acquire(somebody) ?? assert.fail())
    const removed = pool.remove(pool.workers[0]?.id ?? '', { timeout: 50 })
    pass(50)
    await removed
    for (const lease of leases) if (lease.worker.seq === 0) lease.release('failed')
    assert.deepEqual(events, [])
  })

  test('takes no notice of attempts that end once it is closed', async (t) => {
    const { pool, events } = await breaking(t, 2)
    const leases = Array.from({ length: 8 }, () => pool.acquire(somebody) ?? assert.fail())
    void pool.close()
    for (const lease of leases) lease.release('failed')
    assert.deepEqual(events, [])
  })

  test('is none without the option: all are closed for ever', async (t) => {
    const pool = poolOf(t, 2)
    await pool.ready
    end(pool, 0, 'failed', 50)
    assert.deepEqual(picked(pool), [0, 1])
    assert.deepEqual(states(pool), ['closed', 'closed'])
  })
})

suite('a session whose worker the breaker pauses', () => {
  const sticky = { secret: 'the secret of all balancers in these tests' }

  /** A client whose session is with the first worker. */
  function sessionOf(pool: Pool) {
    const [worker] = pool.workers
    const cookie = worker && pool.settings.sticky?.cookieFor(somebody, worker)
    return clientOf({ headers: { rondo: /=([^;]*)/.exec(cookie ?? '')?.[1] ?? '' } })
  }

  test('is with another meanwhile', async (t) => {
    const { pool } = await breaking(t, 2, {}, { sticky })
    const client = sessionOf(pool)
    assert.equal(pool.acquire(client)?.worker.seq, 0)
    end(pool, 0, 'failed', 2)
    for (let i = 0; i < 4; i++) assert.equal(pool.acquire(client)?.worker.seq, 1)
  })

  test('stays when all would be paused, and nobody is', async (t) => {
    const { pool } = await breaking(t, 2, {}, { sticky })
    const client = sessionOf(pool)
    end(pool, 0, 'failed', 2)
    end(pool, 1, 'failed', 2)
    for (let i = 0; i < 4; i++) assert.equal(pool.acquire(client)?.worker.seq, 0)
  })
})

suite('createPool refuses as a breaker, naming the option, the value and the mend,', () => {
  for (const [options, message] of [
    [{ failures: 0 }, 'breaker.failures: 0 is not a count; give a whole number of 1 or more'],
    [{ failures: 1.5 }, 'breaker.failures: 1.5 is not a count; give a whole number of 1 or more'],
    [{ failures: '5' }, 'breaker.failures: "5" is not a count; give a whole number of 1 or more'],
    [{ within: 0 }, /^breaker\.within: 0 is not a duration; give milliseconds above 0/],
    [{ open: -1 }, /^breaker\.open: -1 is not a duration; give milliseconds above 0/],
    [{ open: Infinity }, /^breaker\.open: Infinity is not a duration/],
  ] as const)
    test(JSON.stringify(options), (t) => {
      assert.throws(() => poolOf(t, 1, { breaker: options as BreakerOptions }), {
        name: 'OptionError',
        message,
      })
    })
})
