import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { getTasks } from 'node-cron'
import { startApp, STEADY } from '../test/support/app.ts'
import { clientOf, heldProbe, NEVER, poolOf, settled, sickList, somebody } from '../test/support/fakes.ts'
import { forwarders } from '../test/support/forwarders.ts'
import { isSettled, load, picked } from '../test/support/loads.ts'
import { rawWorker } from '../test/support/raw-worker.ts'
import { until } from '../test/support/until.ts'
import { startWorkers } from '../test/support/workers.ts'
import { OptionError } from './errors.ts'
import type { Pool } from './pool.ts'
import type { PoolOptions } from './pool-options.ts'

const [A, B, C] = ['localhost:3001', 'localhost:3002', 'localhost:3003']
const [urlA, urlB, urlC] = [`http://${A}`, `http://${B}`, `http://${C}`]
const well = async (): Promise<void> => {}
const health = { schedule: NEVER, probe: well }
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

async function readyPool(t: TestContext, options: Parameters<typeof poolOf>[2] = {}): Promise<Pool> {
  const pool = poolOf(t, 2, { probe: well, ...options })
  await pool.ready
  return pool
}

/** Ends so many attempts, all on one worker. */
function end(pool: Pool, id: string, outcome: number, times: number): void {
  const others = new Set(pool.workers.filter((worker) => worker.id !== id))
  for (let i = 0; i < times; i++) pool.acquire(somebody, others)?.release(outcome)
}

const names = (pool: Pool, picks: number): string[] =>
  Array.from({ length: picks }, () => {
    const lease = pool.acquire(somebody)
    lease?.release(200)
    return lease?.worker.id ?? ''
  })

suite('an update with options', () => {
  test('changes the strategy', async (t) => {
    const pool = await readyPool(t)
    pool.update([{ url: urlA, weight: 3 }, urlB], { health, strategy: 'weighted-round-robin' })
    const shares = names(pool, 8)
    assert.equal(shares.filter((id) => id === A).length, 6)
    pool.update([urlA, urlB], { health, strategy: ([first]) => first })
    assert.deepEqual(new Set(names(pool, 4)), new Set([A]))
  })

  test('keeps the turn of a strategy that is the same', async (t) => {
    const pool = await readyPool(t, { strategy: 'round-robin' })
    const [first] = names(pool, 1)
    pool.update([urlA, urlB], { health, strategy: 'round-robin', timeouts: { connect: 5 } })
    assert.notEqual(names(pool, 1)[0], first)
  })

  test('turns sessions on and off, and keeps them where they are the same', async (t) => {
    const pool = await readyPool(t)
    const sticky = { secret: 'a secret of thirty-two bytes, or more' }
    pool.update([urlA, urlB], { health, sticky })
    const lease = pool.acquire(somebody) ?? assert.fail()
    lease.release(200)
    const [cookie = ''] = (pool.settings.sticky?.cookieFor(somebody, lease.worker) ?? '').split(';')
    const client = clientOf({ headers: { rondo: cookie.slice(cookie.indexOf('=') + 1) } })
    const mine = (): Set<string | undefined> =>
      new Set(Array.from({ length: 4 }, () => pool.acquire(client)?.worker.id))
    assert.deepEqual(mine(), new Set([lease.worker.id]))
    const sessions = pool.settings.sticky
    pool.update([urlA, urlB], { health, sticky: { ...sticky }, slowStart: 5 })
    assert.equal(pool.settings.sticky, sessions)
    assert.deepEqual(mine(), new Set([lease.worker.id]))
    pool.update([urlA, urlB], { health })
    assert.deepEqual(mine(), new Set([A, B]))
  })

  test('keeps what a breaker knows where its options are the same, and drops it where not', async (t) => {
    const breaker = { failures: 2 }
    const pool = await readyPool(t, { breaker })
    const states = (): string[] => pool.stats().workers.map((worker) => worker.breaker)
    end(pool, A, 500, 1)
    pool.update([urlA, urlB], { health, breaker: { failures: 2 }, timeouts: { idle: 5 } })
    end(pool, A, 500, 1)
    assert.deepEqual(states(), ['open', 'closed'])
    pool.update([urlA, urlB], { health, breaker: { failures: 2 } })
    assert.deepEqual([states(), picked(pool)], [['open', 'closed'], new Set([B])])
    pool.update([urlA, urlB], { health, breaker: { failures: 3 } })
    assert.deepEqual([states(), picked(pool)], [['closed', 'closed'], new Set([A, B])])
    end(pool, A, 500, 3)
    assert.deepEqual(picked(pool), new Set([B]))
    pool.update([urlA, urlB], { health })
    assert.deepEqual(picked(pool), new Set([A, B]))
  })

  test('has workers that come begin slowly, or not any more', async (t) => {
    const pool = await readyPool(t, { strategy: 'weighted-round-robin' })
    pool.update([urlA, urlB, urlC], { health, strategy: 'weighted-round-robin', slowStart: 600_000 })
    await settled()
    assert.ok(names(pool, 30).filter((id) => id === C).length <= 4)
    pool.update([urlA, urlB], { health, strategy: 'weighted-round-robin' })
    pool.update([urlA, urlB, urlC], { health, strategy: 'weighted-round-robin' })
    await settled()
    assert.equal(names(pool, 30).filter((id) => id === C).length, 10)
  })

  test('changes how workers are drained, at once', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pool = await readyPool(t)
    load(pool, A)
    const { drained } = pool.update([urlB], { health, drain: { timeout: 50 } })
    t.mock.timers.tick(50)
    assert.deepEqual(await drained, [{ id: A, cut: 1, calledOff: false }])
  })

  test('keeps what is left for retries where the budget is the same, and begins anew where not', async (t) => {
    const pool = await readyPool(t)
    const { retries } = pool
    pool.update([urlA, urlB], { health, failover: { attempts: 2 } })
    assert.equal(pool.retries, retries)
    assert.equal(pool.settings.failover.attempts, 2)
    pool.update([urlA, urlB], { health, failover: { budget: { ratio: 0, floor: 0 } } })
    assert.notEqual(pool.retries, retries)
    assert.equal(pool.retries.take(performance.now()), false)
  })

  test('goes by the defaults for what is not there, and without options by those that it has', async (t) => {
    const pool = await readyPool(t, { timeouts: { connect: 7 }, breaker: {} })
    const { settings } = pool
    pool.update([urlA])
    assert.deepEqual(
      [pool.settings.timeouts.connect, pool.settings.breaker, pool.settings.health.schedule],
      [7, settings.breaker, NEVER],
    )
    pool.update([urlA], { health })
    assert.deepEqual([pool.settings.timeouts.connect, pool.settings.breaker], [3000, undefined])
    assert.deepEqual([pool.settings.limits.body, pool.settings.keepAlive.idle], [Infinity, 4000])
  })

  for (const [what, workers, options] of [
    ['option', [urlC], { health: { schedule: NEVER, probe: well, rise: 0 }, strategy: 'ip-hash' }],
    ['last option', [urlC], { health: { path: '/other' }, breaker: {}, slowStart: -1 }],
    ['worker', ['nonsense'], { health: { path: '/other' }, breaker: {}, timeouts: { connect: 5 } }],
    ['list', [urlC, urlC], { failover: { attempts: 9 } }],
  ] as const satisfies readonly (readonly [string, readonly string[], PoolOptions])[])
    test(`changes nothing where a ${what} is bad`, async (t) => {
      const pool = await readyPool(t)
      const { settings, retries, workers: before } = pool
      const tasks = getTasks().size
      assert.throws(() => pool.update(workers, options), OptionError)
      assert.deepEqual([pool.workers, pool.settings, pool.retries], [before, settings, retries])
      assert.equal(pool.settings, settings)
      assert.equal(getTasks().size, tasks)
      assert.deepEqual(picked(pool), new Set([A, B]))
    })
})

suite('an update of how liveness is polled', () => {
  test('lets verdicts stand, probes nobody at once, and goes by what is new from then on', async (t) => {
    const { sick, probe } = sickList()
    sick.add(B)
    const pool = await readyPool(t, { probe })
    const events: string[] = []
    pool.on('up', ({ id }) => events.push(`up ${id}`)).on('down', ({ id }) => events.push(`down ${id}`))
    const { calls, probe: next } = heldProbe()
    pool.update([urlA, urlB], { health: { schedule: NEVER, probe: next, fall: 1, rise: 1 } })
    await settled()
    assert.deepEqual([calls.length, events], [0, []])
    assert.deepEqual(picked(pool), new Set([A]))
    const polled = pool.poll()
    calls[0]?.fail('ill')
    calls[1]?.pass()
    await polled
    assert.deepEqual(events, [`down ${A}`, `up ${B}`])
  })

  test('begins the count of contradictions anew, and keeps the last probe in the stats', async (t) => {
    const { sick, probe } = sickList()
    const pool = await readyPool(t, { probe })
    sick.add(A)
    await pool.poll()
    await pool.poll()
    const last = pool.stats().workers[0]
    pool.update([urlA, urlB], { health: { schedule: NEVER, probe, path: '/other' } })
    assert.deepEqual(pool.stats().workers[0], last)
    await pool.poll()
    await pool.poll()
    assert.equal(pool.workers[0]?.alive, true)
    await pool.poll()
    assert.equal(pool.workers[0]?.alive, false)
  })

  test('has one poller at a time, on the new schedule; none where the options are the same', async (t) => {
    t.mock.timers.enable({
      apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'],
      now: Date.UTC(2026, 0, 1, 12, 0, 0, 500),
    })
    const pass = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) {
        t.mock.timers.tick(1000)
        await settled()
      }
    }
    const tasks = getTasks().size
    let probes = 0
    const probe = async (): Promise<void> => void probes++
    const pool = poolOf(t, 1, { schedule: '*/2 * * * * *', probe })
    await pool.ready
    assert.equal(getTasks().size, tasks + 1)
    await pass(2) // 12:00:02
    assert.equal(probes, 2)
    pool.update([urlA], { health: { schedule: '*/5 * * * * *', probe } })
    assert.equal(getTasks().size, tasks + 1)
    await pass(2)
    assert.equal(probes, 2)
    await pass(1) // 12:00:05
    assert.equal(probes, 3)
    for (let i = 0; i < 20; i++) pool.update([urlA], { health: { schedule: '*/5 * * * * *', probe } })
    await pass(5)
    assert.equal(probes, 4)
    await pool.close()
    pool.update([urlA], { health: { schedule: '*/1 * * * * *', probe } })
    assert.equal(getTasks().size, tasks)
    await pass(5)
    assert.equal(probes, 4)
  })

  test('before the first verdicts: the pool is ready when all have one', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 2, { probe })
    const { ready } = pool
    calls[0]?.pass()
    await settled()
    pool.update([urlA, urlB], { health: { schedule: NEVER, probe, path: '/other' } })
    assert.deepEqual([calls[1]?.signal.aborted, calls.length], [true, 3])
    assert.equal(await isSettled(ready), false)
    calls[1]?.pass() // of the former poller: has no say
    assert.equal(await isSettled(ready), false)
    calls[2]?.pass()
    await ready
    assert.deepEqual([pool.isReady, picked(pool)], [true, new Set([A, B])])
  })
})

suite('an update that leaves nobody who can serve', () => {
  test('has requests wait for the workers that it brings', async (t) => {
    const { calls, probe } = heldProbe()
    const pool = poolOf(t, 1, { probe })
    calls[0]?.pass()
    await pool.ready
    pool.update([urlB])
    assert.equal(pool.isReady, false)
    const { ready } = pool
    assert.equal(await isSettled(ready), false)
    pool.update([urlB], { health: { schedule: NEVER, probe, path: '/other' } })
    assert.equal(await isSettled(ready), false)
    calls.at(-1)?.pass()
    await ready
    assert.deepEqual([pool.isReady, picked(pool)], [true, new Set([B])])
    pool.update([urlB, urlC])
    assert.equal(pool.isReady, true, 'there is who can serve')
  })

  for (const [name, { create }] of Object.entries(forwarders))
    test(`costs no request, by ${name}`, async (t) => {
      const workers = await startWorkers(t, 2)
      const app = await startApp(t, [workers[0]?.url ?? ''], { pool: {}, forwarder: create() })
      await app.pool.ready
      for (let i = 0; i < 10; i++) {
        app.pool.update([workers[(i + 1) % 2]?.url ?? ''])
        const answers = await Promise.all([fetch(app.url), fetch(app.url)])
        for (const answer of answers) assert.equal(await answer.text(), workers[(i + 1) % 2]?.name)
      }
    })
})

for (const [name, { create }] of Object.entries(forwarders))
  suite(`an update of what goes over connections, by ${name}`, () => {
    for (const [what, options] of [
      ['idle time', { keepAlive: { idle: 500 } }],
      ['connect time', { timeouts: { connect: 700 } }],
    ] as const)
      test(`with another ${what}, the next request is over a new connection, and the old ones are closed`, async (t) => {
        const worker = await rawWorker(t, OK)
        const keepAlive = { idle: 600_000 }
        const app = await startApp(t, [worker.url], { pool: { ...STEADY, keepAlive }, forwarder: create() })
        const ask = async (): Promise<void> => assert.equal(await (await fetch(app.url)).text(), 'ok')
        await ask()
        await ask()
        app.pool.update([worker.url], { ...STEADY, keepAlive, slowStart: 5 })
        await ask()
        assert.equal(worker.sockets.length, 1)
        app.pool.update([worker.url], { ...STEADY, keepAlive, ...options })
        await ask()
        await ask()
        assert.equal(worker.sockets.length, 2)
        await until('the old one is closed', () => worker.sockets[0]?.closed === true)
        if (what === 'idle time')
          await until('the new one too', () => worker.sockets[1]?.closed === true, 3000)
      })

    test('with other timeouts and limits, the next request goes by them, one under way by its own', async (t) => {
      let answer = (): void => {}
      const worker = await rawWorker(t, (socket, { path }) => {
        if (path === '/slow') answer = () => void socket.write(OK)
        else if (path !== '/never') socket.write(OK)
      })
      const app = await startApp(t, [worker.url], { forwarder: create() })
      const slow = fetch(`${app.url}/slow`)
      await until('it is under way', () => app.pool.workers[0]?.inFlight === 1)
      app.pool.update([worker.url], { ...STEADY, timeouts: { response: 150 }, limits: { body: 3 } })
      assert.equal((await fetch(`${app.url}/never`)).status, 504)
      assert.equal((await fetch(app.url, { method: 'POST', body: 'four' })).status, 413)
      answer()
      assert.equal((await slow).status, 200)
      app.pool.update([worker.url], STEADY)
      assert.equal((await fetch(app.url, { method: 'POST', body: 'four' })).status, 200)
    })

    test('with other attempts, the next request has so many', async (t) => {
      const worker = await rawWorker(t, (socket) => socket.destroy())
      const other = await rawWorker(t, (socket) => socket.destroy())
      const app = await startApp(t, [worker.url, other.url], { forwarder: create() })
      const attempts = async (): Promise<number> => {
        const before = app.pool.workers.reduce((sum, { requests }) => sum + requests, 0)
        assert.equal((await fetch(app.url)).status, 502)
        return app.pool.workers.reduce((sum, { requests }) => sum + requests, 0) - before
      }
      assert.equal(await attempts(), 2)
      app.pool.update([worker.url, other.url], { ...STEADY, failover: { attempts: 1 } })
      assert.equal(await attempts(), 1)
      app.pool.update([worker.url, other.url], { ...STEADY, failover: { budget: { ratio: 0, floor: 0 } } })
      assert.equal(await attempts(), 1)
    })
  })
