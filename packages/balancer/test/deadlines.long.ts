import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { GatewayTimeoutError } from '../src/index.ts'
import { startApp } from './support/app.ts'
import { refusal } from './support/web-sockets.ts'
import { startWorker } from './support/workers.ts'

/** A worker to which no connection comes to stand: nobody takes those that wait, and the queue of them is full. */
async function deafWorker(t: TestContext): Promise<string> {
  const child = fork(new URL('support/deaf-process.ts', import.meta.url))
  t.after(() => child.kill('SIGKILL'))
  const [port] = (await once(child, 'message')) as [number]
  const queue: Socket[] = []
  t.after(() => {
    for (const socket of queue) socket.destroy()
  })
  for (let isFull = false; !isFull;) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    queue.push(socket)
    isFull = await Promise.race([once(socket, 'connect').then(() => false), pause(500, true)])
  }
  return `http://127.0.0.1:${port}`
}

test('a worker to which no connection comes to stand is a 504, for upgrades too', async (t) => {
  const app = await startApp(t, [await deafWorker(t)])
  const [answer, upgrade] = await Promise.all([
    fetch(app.url, { method: 'POST', body: 'x' }),
    refusal(t, app.port),
  ])
  assert.deepEqual([answer.status, upgrade.status], [504, 504])
  assert.ok(app.errors[0] instanceof GatewayTimeoutError)
  assert.equal(app.pool.metrics.failed, 2)
})

test('a worker to which no connection comes to stand loses a POST to another', async (t) => {
  const worker = await startWorker(t)
  const app = await startApp(t, [await deafWorker(t), worker.url])
  for (let i = 0; i < 2; i++) assert.equal((await fetch(app.url, { method: 'POST', body: 'x' })).status, 200)
  assert.ok(app.pool.metrics.retries >= 1)
})

test('an answer that is quiet for 6 s is not cut', async (t) => {
  const worker = await startWorker(t, (req, res) => {
    res.write('begun ')
    req.resume().on('end', () => setTimeout(() => res.end('ended'), 6000))
  })
  const app = await startApp(t, [worker.url])
  const answers = await Promise.all([fetch(app.url), fetch(app.url, { method: 'POST', body: 'x' })])
  for (const answer of answers) assert.equal(await answer.text(), 'begun ended')
})
