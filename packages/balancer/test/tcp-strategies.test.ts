import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { strategies } from '../src/strategies/index.ts'
import { dialTcp, named, next, over, startTcp, tcpWorker, whole } from './support/tcp.ts'
import { until } from './support/until.ts'

suite('TCP connections are balanced by', () => {
  for (const strategy of Object.keys(strategies) as (keyof typeof strategies)[])
    test(`${strategy}: each gets a worker, and its bytes back`, async (t) => {
      const workers = await Promise.all(Array.from({ length: 3 }, () => tcpWorker(t)))
      const app = await startTcp(
        t,
        workers.map(({ url }) => url),
        { pool: { strategy } },
      )
      const visit = async (_: unknown, i: number): Promise<void> => {
        const client = await dialTcp(app.port)
        client.end(`visit ${i}`)
        assert.equal(String(await whole(client)), `visit ${i}`)
      }
      for (let round = 0; round < 6; round++) await Promise.all(Array.from({ length: 10 }, visit))
      await over(app)
      const counts = app.pool.workers.map(({ outcomes }) => outcomes.closed)
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        60,
      )
      if (strategy === 'round-robin' || strategy === 'weighted-round-robin')
        assert.deepEqual(counts, [20, 20, 20])
      if (strategy === 'ip-hash')
        assert.deepEqual(
          counts.toSorted((one, other) => one - other),
          [0, 0, 60],
        )
      else if (strategy !== 'least-connections')
        assert.ok(
          counts.every((count) => count > 0),
          counts.join(),
        )
    })

  test('least-connections: those that last count', async (t) => {
    const workers = await Promise.all(['a', 'b', 'c'].map((name) => named(t, name)))
    const app = await startTcp(
      t,
      workers.map(({ url }) => url),
      { pool: { strategy: 'least-connections' } },
    )
    const held: [Socket, string][] = []
    for (let i = 0; i < 9; i++) {
      const client = await dialTcp(app.port)
      held.push([client, await next(client)])
    }
    assert.deepEqual(
      app.pool.workers.map(({ inFlight }) => inFlight),
      [3, 3, 3],
    )
    for (const [client, name] of held) if (name === 'b') client.end().resume()
    await until('they have left', () => app.pool.workers[1]?.inFlight === 0)
    for (let i = 0; i < 3; i++) assert.equal(await next(await dialTcp(app.port)), 'b')
  })

  test('ip-hash: the same worker for the same address, another for others', async (t) => {
    const workers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => named(t, name)))
    const app = await startTcp(
      t,
      workers.map(({ url }) => url),
      { pool: { strategy: 'ip-hash' } },
    )
    const visit = async (localAddress: string): Promise<string> => {
      const client = connect({ port: app.port, host: '127.0.0.1', localAddress })
      await once(client, 'connect')
      const name = await next(client)
      client.end()
      return name
    }
    const names = new Map<string, string>()
    for (let i = 1; i <= 12; i++) names.set(`127.0.1.${i}`, await visit(`127.0.1.${i}`))
    for (const [address, name] of names) assert.equal(await visit(address), name)
    assert.ok(new Set(names.values()).size > 1)
    await over(app)
  })

  test('least-response-time: what counts is how long a connection took to stand, not how long it lasts', async (t) => {
    const worker = await tcpWorker(t)
    const app = await startTcp(t, [worker.url], { pool: { strategy: 'least-response-time' } })
    const begun = performance.now()
    const client = await dialTcp(app.port)
    client.write('x')
    await next(client)
    const stood = performance.now() - begun
    const [first] = app.pool.workers
    assert.ok(first)
    const { latency } = first
    assert.ok(latency > 0 && latency <= stood)
    await until('it has lasted', () => performance.now() - begun > 2 * stood + 50)
    worker.sockets[0]?.resetAndDestroy()
    await over(app)
    assert.equal(first.outcomes.failed, 1)
    assert.ok(first.latency <= latency)
  })
})
