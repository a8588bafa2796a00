import assert from 'node:assert/strict'
import { test } from 'node:test'
import { head, OK, stage, type Create } from '../support/hostile.ts'
import { until } from '../support/until.ts'

/** What becomes of connections when somebody leaves, or speaks unasked. */
export function connections(create: Create): void {
  test('a worker that leaves the pool finishes what it carries, and its idle connections are closed', async (t) => {
    let answer: (() => void) | undefined
    const { app, client, worker } = await stage(t, create, (socket, { path }) => {
      if (path === '/slow') answer = () => void socket.write(OK)
      else socket.write(OK)
    })
    const [slow, quick] = [await client(head('GET /slow')), await client(head('GET /quick'))]
    assert.equal((await quick.response()).status, 200)
    await until('both are asked', () => worker.requests.length === 2)
    void app.pool.remove(app.pool.workers[0]?.id ?? '')
    await until('the idle one is closed', () => worker.sockets.some((socket) => socket.closed))
    assert.ok(
      worker.sockets.some((socket) => !socket.closed),
      'the other carries a request',
    )
    answer?.()
    assert.equal((await slow.response()).body, 'ok')
    await until('nobody is active', () => app.pool.metrics.active === 0)
  })

  test('lets go of pipelined requests whose client has left', async (t) => {
    const { app, client, worker, servesOn } = await stage(t, create, (socket, { path }) => {
      if (path === '/short') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      if (path === '/long')
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(900_000)}`)
    })
    const one = await client(
      ['/never', '/short', '/long', '/never'].map((path) => head(`GET ${path}`)).join(''),
    )
    await until('all are asked for', () => worker.requests.length === 4)
    one.socket.destroy()
    await until('nobody is active', () => app.pool.metrics.active === 0)
    await servesOn()
  })

  test('bytes that a worker sends unasked between two requests reach nobody', async (t) => {
    const { client, worker, servesOn } = await stage(t, create)
    const one = await client(head('GET /x'))
    assert.equal((await one.response()).body, 'ok')
    worker.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await until('the connection is given up', () => worker.sockets[0]?.closed === true)
    await servesOn(one)
  })
}
