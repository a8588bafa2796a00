import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { getTasks } from 'node-cron'
import { heldProbe, NEVER, settled, sickList, specs } from '../../test/support/fakes.ts'
import { deadPort, listen } from '../../test/support/listen.ts'
import { createPool } from '../create-pool.ts'
import type { PoolOptions } from '../pool-options.ts'
import { createSchedule } from './schedule.ts'

/** A clock that stands at half a second past noon. */
function stopClock(t: TestContext): (seconds: number) => Promise<void> {
  const now = Date.UTC(2026, 0, 1, 12, 0, 0, 500)
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now })
  return async (seconds) => {
    for (let i = 0; i < seconds; i++) {
      t.mock.timers.tick(1000)
      await settled()
    }
  }
}

function silentConsole(t: TestContext): () => number {
  const methods = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
    t.mock.method(console, name, () => {}),
  )
  return () => methods.reduce((calls, { mock }) => calls + mock.callCount(), 0)
}

function ticking(t: TestContext, health: PoolOptions['health'] = {}) {
  const pool = createPool(specs(2), { health })
  t.after(() => pool.close())
  return pool
}

suite('the schedule', () => {
  test('has every worker probed every 2 s, beside the first probe at once', async (t) => {
    const advance = stopClock(t)
    let probes = 0
    const pool = ticking(t, {
      probe: async () => {
        probes++
      },
    })
    await pool.ready
    assert.equal(probes, 2)
    await advance(1)
    assert.equal(probes, 2)
    await advance(1) // 12:00:02
    assert.equal(probes, 4)
    await advance(10)
    assert.equal(probes, 14)
  })

  test('takes a worker out after three ticks, and back after two', async (t) => {
    const advance = stopClock(t)
    const { sick, probe } = sickList()
    const pool = ticking(t, { probe })
    const events: string[] = []
    pool.on('up', ({ id }) => events.push(`up ${id}`)).on('down', ({ id }) => events.push(`down ${id}`))
    await pool.ready
    sick.add('localhost:3002')
    await advance(5)
    assert.deepEqual(events.splice(0), ['up localhost:3001', 'up localhost:3002'])
    await advance(1)
    assert.deepEqual(events.splice(0), ['down localhost:3002'])
    sick.clear()
    await advance(3)
    assert.deepEqual(events.splice(0), [])
    await advance(1)
    assert.deepEqual(events.splice(0), ['up localhost:3002'])
  })

  test('goes on when every probe hangs: each is held to its deadline, one at a time', async (t) => {
    const advance = stopClock(t)
    const consoleCalls = silentConsole(t)
    const { calls, probe } = heldProbe()
    const pool = ticking(t, { probe })
    await advance(7)
    assert.equal(calls.length, 2 + 3 * 2)
    assert.equal(calls.filter(({ signal }) => !signal.aborted).length, 0)
    await pool.ready
    assert.equal(consoleCalls(), 0)
  })

  test('has many workers probed by the handful, so that requests come in between', async (t) => {
    const probed: string[] = []
    const probe = async ({ id }: { id: string }): Promise<void> => void probed.push(id)
    const pool = createPool(specs(40), { health: { schedule: NEVER, probe } })
    t.after(() => pool.close())
    await pool.ready
    probed.length = 0
    const polled = pool.poll()
    assert.equal(probed.length, 16)
    await polled
    assert.equal(new Set(probed).size, 40)
  })

  test('stops with the pool, and leaves no task behind', async (t) => {
    const advance = stopClock(t)
    const tasks = getTasks().size
    const { calls, probe } = heldProbe()
    const pool = ticking(t, { probe })
    assert.equal(getTasks().size, tasks + 1)
    void pool.close()
    void pool.close()
    await advance(6)
    assert.equal(calls.length, 2)
    assert.equal(getTasks().size, tasks)
  })

  test('says how long it is to the next poll, in whole seconds from 1', async (t) => {
    const advance = stopClock(t)
    const pool = ticking(t, { schedule: '*/10 * * * * *', probe: async () => {} })
    assert.equal(pool.retryAfter, 10)
    await advance(1)
    assert.equal(pool.retryAfter, 9)
    await advance(8)
    assert.equal(pool.retryAfter, 1)
    void pool.close()
    assert.ok(pool.retryAfter >= 1)
  })
})

suite('a tick', () => {
  test('is skipped, in silence, while the one before it is not over', async (t) => {
    const advance = stopClock(t)
    const consoleCalls = silentConsole(t)
    const ends: (() => void)[] = []
    const task = createSchedule('* * * * * *', () => new Promise((resolve) => ends.push(resolve)))
    t.after(() => task.destroy())
    void task.start()
    await advance(4)
    assert.equal(ends.length, 1)
    ends[0]?.()
    await settled()
    await advance(1)
    assert.equal(ends.length, 2)
    assert.equal(consoleCalls(), 0)
  })

  test('that fails leaves the schedule running, in silence', async (t) => {
    const advance = stopClock(t)
    const consoleCalls = silentConsole(t)
    let ticks = 0
    const task = createSchedule('* * * * * *', async () => {
      ticks++
      throw new Error('failed')
    })
    t.after(() => task.destroy())
    void task.start()
    await advance(3)
    assert.deepEqual([ticks, consoleCalls()], [3, 0])
  })
})

suite('a pool keeps no process alive', () => {
  /** Runs a program that makes a pool and does not close it; resolves with its exit code. */
  async function run(t: TestContext, program: string): Promise<unknown> {
    const index = new URL('../index.ts', import.meta.url).href
    const code = `import { createPool } from ${JSON.stringify(index)}\n${program}`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'inherit' })
    t.after(() => child.kill('SIGKILL'))
    const [exit] = await once(child, 'exit')
    return exit
  }

  test('once its workers have been probed', async (t) => {
    const port = await deadPort()
    assert.equal(await run(t, `await createPool(['http://127.0.0.1:${port}']).ready`), 0)
  })

  test('nor longer than its deadline when a worker does not answer', async (t) => {
    const port = await listen(t, createServer())
    assert.equal(await run(t, `createPool(['http://127.0.0.1:${port}'])`), 0)
  })

  test('nor for the deadline of a probe that holds nothing open itself', async (t) => {
    const health = `{ schedule: '0 * * * *', timeout: 3_000_000, probe: () => new Promise(() => {}) }`
    assert.equal(await run(t, `createPool(['http://127.0.0.1:1'], { health: ${health} })`), 0)
  })
})
