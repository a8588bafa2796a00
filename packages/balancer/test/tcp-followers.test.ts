import assert from 'node:assert/strict'
import { test } from 'node:test'
import { poolOf } from './support/fakes.ts'
import { readyFollower, sent } from './support/following.ts'
import { dialTcp, next, startTcp, tcpWorker } from './support/tcp.ts'
import { until } from './support/until.ts'

test('a leader knows the bytes of connections that another process carries, and waits for them in a drain', async (t) => {
  const worker = await tcpWorker(t)
  const leader = poolOf(t, [worker.url])
  await leader.ready
  const [known] = leader.workers
  assert.ok(known)
  const follower = await readyFollower(t, [worker.url])
  const from = {}
  const tell = (): void => leader.count(sent(follower.takeCounts() ?? {}), from)
  const app = await startTcp(t, [], { of: follower })

  const client = await dialTcp(app.port)
  client.write('hello')
  assert.equal(await next(client), 'hello')
  await until('the bytes are told', () => (tell(), known.received === 5))
  assert.deepEqual([known.sent, known.inFlight, leader.metrics.active], [5, 1, 1])
  assert.ok(known.latency > 0)
  client.write('again')
  assert.equal(await next(client), 'again')
  await until('more bytes are told', () => (tell(), known.received === 10))

  const drained = leader.drain(known.id)
  client.end()
  await until('the follower has seen the end', () => follower.metrics.active === 0)
  tell()
  assert.deepEqual(await drained, { id: known.id, cut: 0, calledOff: false })
  assert.deepEqual([known.inFlight, known.outcomes.closed, leader.metrics.active], [0, 1, 0])
})
