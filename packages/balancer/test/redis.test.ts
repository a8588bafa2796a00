import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { createPool, type PoolOptions } from '../src/index.ts'
import { NEVER } from './support/fakes.ts'
import { run } from './support/programs.ts'
import { lineTo, noRedis, redisCli, startRedis, type Line, type Redis } from './support/redis.ts'
import { assertCounts, outcomes, over, startTcp, type TcpApp } from './support/tcp.ts'
import { until } from './support/until.ts'

interface Stage extends TcpApp {
  readonly instances: readonly [Redis, Redis, Redis]
  /** What the last probe of an instance found. */
  verdict(instance: Redis): readonly [alive: boolean | undefined, reason: string | undefined]
}

/** Three instances that share nothing, behind the balancer; polled by hand, each verdict by one probe. */
async function stageOf(t: TestContext, options: Omit<PoolOptions, 'health'> = {}): Promise<Stage> {
  const instances = await Promise.all([startRedis(t), startRedis(t), startRedis(t)])
  const health = { schedule: NEVER, rise: 1, fall: 1, send: 'PING\r\n', expect: '+PONG' }
  const pool = createPool(
    instances.map(({ url }) => url),
    { ...options, health },
  )
  const app = await startTcp(t, [], { of: pool })
  assert.deepEqual(
    pool.workers.map(({ alive }) => alive),
    [true, true, true],
  )
  const verdict: Stage['verdict'] = ({ url }) => {
    const of = pool.stats().workers.find((worker) => worker.url === url)
    return [of?.alive, of?.lastProbe?.reason]
  }
  return { ...app, instances, verdict }
}

/** So many subscribers of `news`, each with the instance that the balancer has chosen. */
async function subscribers(app: TcpApp, count: number): Promise<Line[]> {
  const lines = await Promise.all(Array.from({ length: count }, () => lineTo(app)))
  await Promise.all(lines.map((line) => line.ask('SUBSCRIBE news', 'subscribe\r\n$4\r\nnews\r\n:1')))
  for (const line of lines) line.said = ''
  return lines
}

const portsOf = (lines: readonly Line[]): number[] => lines.map(({ port }) => port).toSorted((a, b) => a - b)
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

suite('three instances of Redis behind the balancer', () => {
  const story = (name: string, tell: (t: TestContext) => Promise<void>): unknown =>
    test(name, { skip: noRedis }, tell)

  story('serve redis-cli in turn, each connection the same one to its end', async (t) => {
    const stage = await stageOf(t)
    const ask = (...args: string[]): Promise<string> => redisCli(t, stage.port, args)
    const ports: string[] = []
    for (let i = 0; i < 6; i++) ports.push((await ask('CONFIG', 'GET', 'port')).replace('port\n', ''))
    const expected = [...stage.instances, ...stage.instances].map(({ port }) => String(port))
    assert.deepEqual(ports.toSorted(), expected.toSorted())

    const commands = Array.from({ length: 200 }, () => 'INCR count').join('\n')
    const counts = await redisCli(t, stage.port, [], `${commands}\nGET count\n`)
    assert.equal(counts.split('\n').at(-1), '200')
    await over(stage)
    assertCounts(stage, { total: 7 })
    assert.deepEqual(outcomes(stage.pool.workers), { closed: 7 })
  })

  story('take and give values of 8 MB, and 20,000 commands in one piece', async (t) => {
    const stage = await stageOf(t, { strategy: (eligible) => eligible[0] })
    const value = Buffer.alloc(8 << 20, '0123456789abcdef-')
    assert.equal(await redisCli(t, stage.port, ['-x', 'SET', 'large'], value), 'OK')
    assert.equal(await redisCli(t, stage.port, ['GET', 'large']), value.toString())
    const [worker] = stage.pool.workers
    assert.ok((worker?.sent ?? 0) > value.length && (worker?.received ?? 0) > value.length)

    const many = Array.from({ length: 20_000 }, (_, i) => `SET key:${i} ${i}\r\n`).join('')
    assert.match(await redisCli(t, stage.port, ['--pipe'], many), /errors: 0, replies: 20000$/)
    assert.equal(await stage.instances[0].cli('DBSIZE'), '20001')
    assert.equal(await redisCli(t, stage.port, ['GET', 'key:19999']), '19999')
  })

  story('serve redis-benchmark, not one command lost', async (t) => {
    const stage = await stageOf(t)
    const connections = 30
    const load = ['-c', String(connections), '-n', '6000', '-d', '100', '-q', '--csv']
    for (const [pipeline, tests] of [
      ['1', 'set,get'],
      ['16', 'lpush,lrange_100'],
    ] as const) {
      const args = ['-p', String(stage.port), ...load, '-P', pipeline, '-t', tests]
      const table = (await run(t, 'redis-benchmark', args)).toString()
      assert.match(table, pipeline === '1' ? /^"GET","\d/m : /^"LRANGE_100 \(/m)
    }
    const calls = async (command: string): Promise<number> => {
      const stats = await Promise.all(stage.instances.map((instance) => instance.cli('INFO', 'commandstats')))
      return sum(stats.map((text) => Number(RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0)))
    }
    for (const command of ['set', 'get', 'lpush', 'lrange'])
      assert.ok((await calls(command)) >= 6000, `${command}: ${await calls(command)}`)
    await over(stage)
    for (const { requests } of stage.pool.workers)
      assert.ok(requests >= connections, `${requests} connections`)
    assert.equal(stage.pool.metrics.failed, 0)
  })

  story('tell the subscribers that they have, each of its own news', async (t) => {
    const stage = await stageOf(t)
    const lines = await subscribers(stage, 6)
    const [a, b, c] = stage.instances.map(({ port }) => port).toSorted((a, b) => a - b)
    assert.deepEqual(portsOf(lines), [a, a, b, b, c, c])
    for (const instance of stage.instances)
      assert.equal(await instance.cli('PUBLISH', 'news', `of ${instance.port}`), '2')
    for (const line of lines) {
      await until('its news', () => line.said.includes(`of ${line.port}\r\n`))
      assert.equal(line.said.match(/of \d+/g)?.length, 1)
    }
    for (let i = 0; i < 3; i++)
      assert.equal(await redisCli(t, stage.port, ['PUBLISH', 'news', 'to all']), '2')
    for (const line of lines) await until('what was published through it', () => line.said.includes('to all'))
  })

  story(
    'one that is killed has its subscribers cut; they find others, before the poller and after',
    async (t) => {
      const stage = await stageOf(t)
      const lines = await subscribers(stage, 6)
      const [killed] = stage.instances
      const [cut, kept] = [
        lines.filter(({ port }) => port === killed.port),
        lines.filter(({ port }) => port !== killed.port),
      ]
      await killed.kill('SIGKILL')
      for (const { closed } of cut) assert.match(await closed, /^(end|ECONNRESET)$/)
      assert.equal(stage.verdict(killed)[0], true, 'the poller has not said so')
      const before = await subscribers(stage, 6)
      assert.ok(before.every(({ port }) => port !== killed.port))
      assert.ok(stage.pool.metrics.retries > 0)

      await stage.pool.poll()
      assert.deepEqual(stage.verdict(killed), [false, `connect ECONNREFUSED 127.0.0.1:${killed.port}`])
      const { retries } = stage.pool.metrics
      const after = await subscribers(stage, 6)
      assert.ok(after.every(({ port }) => port !== killed.port))
      assert.equal(stage.pool.metrics.retries, retries, 'nobody was sent to it')
      for (const instance of stage.instances.slice(1)) await instance.cli('PUBLISH', 'news', 'still here')
      for (const line of [...kept, ...before, ...after])
        await until('the news', () => line.said.includes('still here'))

      await startRedis(t, { port: killed.port })
      await stage.pool.poll()
      assert.deepEqual(stage.verdict(killed), [true, 'probe succeeded'])
      const back = await subscribers(stage, 3)
      assert.ok(back.some(({ port }) => port === killed.port))
      assert.equal(stage.pool.metrics.failed, 0)
    },
  )

  story(
    'one that is stopped takes connections and says nothing: the probe finds it dead, and well when it goes on',
    async (t) => {
      const stage = await stageOf(t)
      const [stopped] = stage.instances
      const lines = await subscribers(stage, 3)
      await stopped.kill('SIGSTOP')
      await stage.pool.poll()
      assert.deepEqual(stage.verdict(stopped), [false, 'no answer within 1000 ms'])
      for (let i = 0; i < 4; i++) assert.notEqual((await lineTo(stage)).port, stopped.port)
      await stopped.kill('SIGCONT')
      await stage.pool.poll()
      assert.deepEqual(stage.verdict(stopped), [true, 'probe succeeded'])
      for (const instance of stage.instances)
        assert.equal(await instance.cli('PUBLISH', 'news', 'hello'), '1')
      for (const line of lines) await until('the news', () => line.said.includes('hello'))
    },
  )

  story('one that is loading its data gets no connections until it has', async (t) => {
    const stage = await stageOf(t)
    const [old] = stage.instances
    await old.cli('CONFIG', 'SET', 'rdbcompression', 'no')
    const values = Array.from({ length: 1000 }, (_, i) => `SET key:${i} ${'x'.repeat(2000)}\r\n`).join('')
    assert.match(await redisCli(t, old.port, ['--pipe'], values), /errors: 0/)
    assert.equal(await old.cli('SAVE'), 'OK')
    await old.kill('SIGKILL')
    const slowly = ['--key-load-delay', '20000', '--loading-process-events-interval-bytes', '1024']
    const loading = await startRedis(t, { port: old.port, args: ['--dir', old.folder, ...slowly] })
    await stage.pool.poll()
    assert.deepEqual(stage.verdict(loading), [
      false,
      String.raw`answered "-LOADING Redis is loading the dataset in memory\r\n", not "+PONG"`,
    ])
    for (let i = 0; i < 4; i++) assert.notEqual((await lineTo(stage)).port, loading.port)

    await loading.cli('CONFIG', 'SET', 'key-load-delay', '0')
    await until('it has loaded', async () => (await loading.cli('PING')) === 'PONG')
    await stage.pool.poll()
    assert.deepEqual(stage.verdict(loading), [true, 'probe succeeded'])
    const lines = await Promise.all(Array.from({ length: 3 }, () => lineTo(stage)))
    assert.ok(lines.some(({ port }) => port === loading.port))
    assert.equal(await loading.cli('DBSIZE'), '1000')
  })

  story(
    'one that is drained keeps who waits for an answer, and is done when the last has left',
    async (t) => {
      const stage = await stageOf(t)
      const lines = await Promise.all(Array.from({ length: 6 }, () => lineTo(stage)))
      const [drained] = stage.instances
      const mine = lines.filter(({ port }) => port === drained.port)
      for (const { socket } of mine) socket.write('BLPOP queue 0\r\n')
      await until('two wait', async () =>
        (await drained.cli('INFO', 'clients')).includes('blocked_clients:2'),
      )
      let isOver = false
      const report = stage.pool
        .drain(`127.0.0.1:${drained.port}`, { timeout: 10_000 })
        .finally(() => (isOver = true))
      for (let i = 0; i < 4; i++) assert.notEqual((await lineTo(stage)).port, drained.port)
      await drained.cli('RPUSH', 'queue', 'first', 'second')
      for (const line of mine) {
        await until('its item', () => /\$(5\r\nfirst|6\r\nsecond)\r\n$/.test(line.said))
        assert.equal(isOver, false)
        await line.ask('PING', '+PONG\r\n')
        line.socket.end('QUIT\r\n')
        assert.equal(await line.closed, 'end')
      }
      assert.deepEqual(await report, { id: `127.0.0.1:${drained.port}`, cut: 0, calledOff: false })
      assert.match(await drained.cli('INFO', 'clients'), /connected_clients:1\b/, 'who asks this')
    },
  )

  story('one that is drained in too short a time has the rest cut', async (t) => {
    const stage = await stageOf(t)
    const lines = await subscribers(stage, 6)
    const [drained] = stage.instances
    const id = `127.0.0.1:${drained.port}`
    assert.deepEqual(await stage.pool.drain(id, { timeout: 1 }), { id, cut: 2, calledOff: false })
    for (const line of lines)
      if (line.port === drained.port) assert.equal(await line.closed, 'ECONNRESET')
      else await line.ask('PING', 'pong')
    await until('Redis has seen them go', async () =>
      (await drained.cli('PUBSUB', 'NUMSUB', 'news')).endsWith('0'),
    )
  })
})
