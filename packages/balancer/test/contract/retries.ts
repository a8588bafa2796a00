import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { PoolOptions, RetryReason } from '../../src/index.ts'
import { startApp, STEADY, type TestApp } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import type { Create } from '../support/hostile.ts'
import { deadPort } from '../support/listen.ts'
import { rawWorker, type RawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { opened, webSocketWorker } from '../support/web-sockets.ts'
import { startWorker } from '../support/workers.ts'

/** Tried in the order in which they were given: the first has every request first. */
const inOrder: NonNullable<PoolOptions['strategy']> = (eligible) => eligible[0]

async function app(
  t: TestContext,
  create: Create,
  workers: readonly { url: string }[],
  options: PoolOptions,
): Promise<TestApp> {
  noCrashes(t)
  const pool = { ...STEADY, strategy: inOrder, ...options }
  return startApp(
    t,
    workers.map(({ url }) => url),
    { pool, forwarder: create() },
  )
}

/** Answers with a status, and says so in its body and a header. */
function failing(t: TestContext, status = 503): Promise<RawWorker> {
  const body = `its own ${status}`
  const answer = `HTTP/1.1 ${status} Odd\r\nX-From: bad\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  return rawWorker(t, answer)
}

const silent = (t: TestContext): Promise<RawWorker> => rawWorker(t, () => {})
const resetting = (t: TestContext): Promise<RawWorker> =>
  rawWorker(t, (socket: Socket) => void socket.resetAndDestroy())

/** Which answers and delays move a request on, for how long, and how often. */
export function retries(create: Create): void {
  for (const status of [502, 503, 504])
    test(`a ${status} moves what is idempotent on, and leaves no trace in the answer of the next`, async (t) => {
      const [bad, good] = [await failing(t, status), await startWorker(t)]
      const { url, pool } = await app(t, create, [bad, good], {
        failover: { retryOn: [String(status) as RetryReason] },
      })
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
        const answer = await fetch(url, { method })
        assert.deepEqual([answer.status, answer.statusText], [200, 'OK'], method)
        assert.equal(answer.headers.get('x-from'), null)
        assert.equal(await answer.text(), method === 'HEAD' ? '' : 'w')
      }
      const [worker] = pool.workers
      assert.deepEqual([worker?.outcomes['5xx'], worker?.outcomes.failed], [5, 0], 'it did answer')
      assert.deepEqual([pool.metrics.retries, pool.metrics.failed], [5, 0])
    })

  test('a 503 that is retried costs its worker no connection', async (t) => {
    const [bad, good] = [await failing(t), await startWorker(t)]
    const { url } = await app(t, create, [bad, good], { failover: { retryOn: ['503'] } })
    for (let i = 0; i < 5; i++) assert.equal((await fetch(url)).status, 200)
    assert.equal(bad.requests.length, 5)
    assert.equal(bad.sockets.length, 1)
  })

  test('a 503 whose body does not end moves on at once, and its connection is closed', async (t) => {
    const bad = await rawWorker(t, (socket) => {
      socket.write(
        'HTTP/1.1 503 No\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n',
      )
    })
    const { url } = await app(t, create, [bad, await startWorker(t)], { failover: { retryOn: ['503'] } })
    assert.equal((await fetch(url)).status, 200)
    await until('it is closed', () => bad.sockets.every((socket) => socket.closed))
  })

  test('an upgrade that is refused by a 503 moves on', async (t) => {
    const [bad, good] = [await failing(t), await webSocketWorker(t)]
    const { port, pool } = await app(t, create, [bad, good], { failover: { retryOn: ['503'] } })
    const socket = await opened(t, port)
    socket.send('hello')
    const [data] = (await once(socket, 'message')) as [Buffer]
    assert.equal(data.toString(), 'hello')
    assert.deepEqual([pool.workers[0]?.outcomes['5xx'], pool.metrics.retries], [1, 1])
  })

  test('a 503 is passed through, whole, when nobody else is left', async (t) => {
    const workers = [await failing(t), await failing(t)]
    const { url, pool } = await app(t, create, workers, { failover: { retryOn: ['503'] } })
    const answer = await fetch(url)
    assert.deepEqual([answer.status, answer.headers.get('x-from')], [503, 'bad'])
    assert.equal(await answer.text(), 'its own 503')
    assert.deepEqual(
      pool.workers.map(({ outcomes }) => outcomes['5xx']),
      [1, 1],
    )
    assert.deepEqual(
      [pool.metrics.retries, pool.metrics.failed],
      [1, 0],
      'the worker answered, not the balancer',
    )
  })

  for (const [why, failover] of [
    ['the attempts are used up', { attempts: 1 }],
    ['the budget is used up', { budget: { ratio: 0, floor: 0 } }],
    ['another status is retried', { retryOn: ['502', '504'] }],
    ['nothing is retried', { retryOn: [] }],
  ] satisfies [string, PoolOptions['failover']][])
    test(`a 503 is passed through when ${why}`, async (t) => {
      const [bad, good] = [await failing(t), await startWorker(t)]
      const { url, pool } = await app(t, create, [bad, good], { failover: { retryOn: ['503'], ...failover } })
      const answer = await fetch(url)
      assert.deepEqual([answer.status, await answer.text()], [503, 'its own 503'])
      assert.deepEqual([good.requests.length, pool.metrics.retries], [0, 0])
    })

  for (const [what, init] of [
    ['a POST', { method: 'POST' }],
    ['a POST with a body', { method: 'POST', body: 'x' }],
    ['a PATCH', { method: 'PATCH' }],
    ['a PUT with a body', { method: 'PUT', body: 'x' }],
  ] as const)
    test(`${what} is never retried on an answer, nor on a delay`, async (t) => {
      const [bad, mute, good] = [await failing(t), await silent(t), await startWorker(t)]
      const options: PoolOptions = {
        failover: { retryOn: ['502', '503', '504', 'timeout'] },
        timeouts: { response: 100 },
      }
      const one = await app(t, create, [bad, good], options)
      assert.equal((await fetch(one.url, init)).status, 503)
      const other = await app(t, create, [mute, good], options)
      assert.equal((await fetch(other.url, init)).status, 504)
      assert.equal(good.requests.length, 0)
    })

  test('a worker that says nothing costs a 504, or by retryOn another attempt', async (t) => {
    const [mute, good] = [await silent(t), await startWorker(t)]
    const timeouts = { response: 100 }
    const one = await app(t, create, [mute, good], { timeouts })
    assert.equal((await fetch(one.url)).status, 504)
    assert.deepEqual([good.requests.length, one.pool.metrics.failed], [0, 1])

    const other = await app(t, create, [mute, good], { timeouts, failover: { retryOn: ['timeout'] } })
    const answer = await fetch(other.url)
    assert.deepEqual([answer.status, await answer.text()], [200, 'w'])
    assert.deepEqual([other.pool.workers[0]?.outcomes.failed, other.pool.metrics.retries], [1, 1])
    await until('its connections are closed', () => mute.sockets.every((socket) => socket.closed))
  })

  test('the deadline bounds all attempts together: 504, and nobody is tried after it', async (t) => {
    const mute = await Promise.all([silent(t), silent(t), silent(t), silent(t), silent(t), silent(t)])
    const { url, pool, errors } = await app(t, create, mute, {
      timeouts: { response: 200 },
      failover: { attempts: 6, deadline: 500, retryOn: ['timeout'] },
    })
    const answer = await fetch(url, { headers: { accept: 'application/json' } })
    assert.equal(answer.status, 504)
    assert.deepEqual(await answer.json(), { error: 'the worker took too long', status: 504 })
    assert.equal(errors.length, 1)
    const asked = pool.workers.filter(({ requests }) => requests > 0)
    // Three are asked in time: 200 ms, 200 ms and the 100 ms that are left. No more, however slow this machine is.
    assert.ok(asked.length >= 1 && asked.length <= 3, `${asked.length} were asked`)
    assert.ok(asked.every(({ outcomes }) => outcomes.failed === 1))
    assert.deepEqual([pool.metrics.failed, pool.metrics.active], [1, 0])
  })

  test('the deadline cuts an attempt short, though its own timeouts are longer', async (t) => {
    const mute = await silent(t)
    const { url, pool } = await app(t, create, [mute], { failover: { deadline: 100 } })
    assert.equal((await fetch(url)).status, 504)
    assert.equal(pool.workers[0]?.outcomes.failed, 1)
    await until('its connection is closed', () => mute.sockets.every((socket) => socket.closed))
  })

  test('the deadline leaves alone what has begun', async (t) => {
    const slow = await rawWorker(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbe')
      setTimeout(() => socket.write('un'), 300)
    })
    const { url, pool } = await app(t, create, [slow], { failover: { deadline: 100 } })
    // Begun in time or not, that is a matter of this machine; if it has, it is whole.
    const answer = await fetch(url)
    if (answer.status === 200) assert.equal(await answer.text(), 'beun')
    else assert.equal(answer.status, 504)
    await until('nobody is active', () => pool.metrics.active === 0)
  })

  test('without a budget a lost connection is a 502 and counted as denied; a refused one still moves on', async (t) => {
    const good = await startWorker(t)
    const failover = { budget: { ratio: 0, floor: 0 } }
    const lost = await app(t, create, [await resetting(t), good], { failover })
    for (let i = 1; i <= 3; i++) {
      assert.equal((await fetch(lost.url)).status, 502)
      const { retries, retriesDenied, failed } = lost.pool.metrics
      assert.deepEqual([retries, retriesDenied, failed], [0, i, i])
    }
    assert.equal(good.requests.length, 0)
    assert.match(await lost.pool.metrics.openMetrics(), /^rondo_retries_denied_total 3$/m)

    const dead = { url: `http://127.0.0.1:${await deadPort()}` }
    const refused = await app(t, create, [dead, good], { failover })
    for (let i = 1; i <= 3; i++) {
      assert.equal((await fetch(refused.url)).status, 200)
      assert.deepEqual([refused.pool.metrics.retries, refused.pool.metrics.retriesDenied], [i, 0])
    }
  })

  test('a budget is what so many requests may retry, and not one more', async (t) => {
    const [bad, good] = [await resetting(t), await startWorker(t)]
    const { url, pool } = await app(t, create, [bad, good], {
      failover: { budget: { ratio: 0, floor: 0.3 } },
    })
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) statuses.push((await fetch(url)).status)
    assert.deepEqual(statuses, [200, 200, 200, 502, 502, 502])
    assert.deepEqual([pool.metrics.retries, pool.metrics.retriesDenied], [3, 3])
  })

  test('a POST on a lost connection is no retry that was denied, nor is one when nobody else is there', async (t) => {
    const failover = { budget: { ratio: 0, floor: 0 } }
    const [bad, good] = [await resetting(t), await startWorker(t)]
    const posts = await app(t, create, [bad, good], { failover })
    assert.equal((await fetch(posts.url, { method: 'POST' })).status, 502)
    assert.equal(posts.pool.metrics.retriesDenied, 0)
    const alone = await app(t, create, [bad], { failover })
    assert.equal((await fetch(alone.url)).status, 502)
    assert.equal(alone.pool.metrics.retriesDenied, 0)
  })
}
