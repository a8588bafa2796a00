import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { Client, Pool, StrategyOption } from '../src/index.ts'
import { startPlainApp, STEADY } from './support/app.ts'
import { clientOf, poolOf, sickList } from './support/fakes.ts'
import { visitor } from './support/visitor.ts'
import { startWorkers } from './support/workers.ts'

const PROCESSES = 16
const WEIGHTS = [5, 3, 1, 1, 2]
const SPECS = WEIGHTS.map((weight, i) => ({ url: `http://w${i}.test`, weight }))
const CLIENTS = Array.from({ length: 1000 }, (_, i) =>
  clientOf({ ip: `10.0.${i >> 8}.${i & 255}`, path: `/of/${i}`, headers: { user: `u${i}` } }),
)

/** Whom a process chooses, by id. */
function chosen(pool: Pool, client: Client): string {
  const lease = pool.acquire(client)
  lease?.release(200)
  return lease?.worker.id ?? assert.fail('nobody')
}

const HASHES: readonly (readonly [string, StrategyOption])[] = [
  ['ip-hash', 'ip-hash'],
  ['a hash by header', { hash: { by: 'header', name: 'user' } }],
  ['a hash by path', { hash: { by: 'path' } }],
  ['a hash by a header that nobody sends', { hash: { by: 'header', name: 'none' } }],
]

suite('sixteen processes choose the same worker for the same client', () => {
  for (const [name, strategy] of HASHES)
    test(`by ${name}, whatever each was asked before, while a worker is down, and when it is back`, async (t) => {
      const { sick, probe } = sickList()
      const pools = Array.from({ length: PROCESSES }, (_, i) =>
        poolOf(t, i % 2 ? SPECS.toReversed() : SPECS, {
          strategy,
          probe,
          rise: 1,
          fall: 1,
        }),
      )
      const poll = (): Promise<unknown> => Promise.all(pools.map((pool) => pool.poll()))
      await Promise.all(pools.map(({ ready }) => ready))
      const before = agreed(pools)
      assert.equal(new Set(before).size, SPECS.length)
      sick.add('w1.test:80')
      await poll()
      const meanwhile = agreed(pools)
      for (const [i, id] of meanwhile.entries()) {
        assert.notEqual(id, 'w1.test:80')
        if (before[i] !== 'w1.test:80') assert.equal(id, before[i])
      }
      sick.clear()
      await poll()
      assert.deepEqual(agreed(pools), before)
    })
})

/** Whom all processes choose for each client; each process begins with another client. */
function agreed(pools: readonly Pool[]): string[] {
  const rows = pools.map((pool, i) => {
    const from = (i * 61) % CLIENTS.length
    const row = [...CLIENTS.slice(from), ...CLIENTS.slice(0, from)].map((client) => chosen(pool, client))
    return [...row.slice(CLIENTS.length - from), ...row.slice(0, CLIENTS.length - from)]
  })
  for (const row of rows) assert.deepEqual(row, rows[0])
  return rows[0] ?? []
}

suite('a session that began in one process', () => {
  const sticky = { secret: 'the secret of all processes in these tests' }

  /** As many processes as are said, before the workers a, b and c; who is in `sick` by id is down after a poll. */
  async function scene(t: TestContext, count: number) {
    const { sick, probe } = sickList()
    const workers = await startWorkers(t, 3)
    const specs = workers.map(({ url }) => url)
    const pool = { sticky, health: { ...STEADY.health, probe, fall: 1 } }
    const apps = await Promise.all(Array.from({ length: count }, () => startPlainApp(t, specs, { pool })))
    await Promise.all(apps.map(({ pool }) => pool.ready))
    const down = async (name: string): Promise<void> => {
      const worker = workers.find((worker) => worker.name === name)
      sick.add(`127.0.0.1:${worker?.port}`)
      await Promise.all(apps.map(({ pool }) => pool.poll()))
    }
    return { urls: apps.map(({ url }) => url), down }
  }

  async function stays(urls: readonly string[], cookie: string | undefined, name: string): Promise<void> {
    for (const url of urls) {
      const there = visitor(url, cookie)
      for (let n = 0; n < 2; n++) {
        assert.equal(await there.visit(), name)
        assert.deepEqual(there.set, [], 'it has its cookie')
      }
    }
  }

  test('stays with its worker in all others, and gets no other cookie', async (t) => {
    const { urls } = await scene(t, 4)
    const names = new Set<string>()
    for (let i = 0; i < 6; i++) {
      const one = visitor(urls[0] ?? '')
      const mine = await one.visit()
      names.add(mine)
      await stays(urls, one.cookie, mine)
    }
    assert.equal(names.size, 3)
  })

  test('moves in whichever process it comes to when its worker is down, and all others follow', async (t) => {
    const { urls, down } = await scene(t, 4)
    const one = visitor(urls[0] ?? '')
    const old = await one.visit()
    await down(old)
    const other = visitor(urls[1] ?? '', one.cookie)
    const mine = await other.visit()
    assert.notEqual(mine, old)
    assert.equal(other.set.length, 1)
    await stays(urls, other.cookie, mine)
  })
})
