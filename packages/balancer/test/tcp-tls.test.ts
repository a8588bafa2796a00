import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { createAuthority } from './support/certificates.ts'
import { ending, next, outcomes, over, startTcp, tcpWorker, whole, type TcpApp } from './support/tcp.ts'
import { until } from './support/until.ts'

const MB = 1_000_000

/** A balancer that ends TLS; and how a client comes to it. */
async function startTls(
  t: TestContext,
  serve?: (socket: Socket) => unknown,
  options: Parameters<typeof startTcp>[2] = {},
): Promise<{ app: TcpApp; dial: () => Promise<TLSSocket>; worker: Awaited<ReturnType<typeof tcpWorker>> }> {
  const authority = createAuthority(t)
  const { cert, key } = authority.issue(['a.test'])
  const worker = await tcpWorker(t, serve)
  const app = await startTcp(t, [worker.url], {
    server: (balance) => createServer({ cert, key }, balance),
    ...options,
  })
  const dial = async (): Promise<TLSSocket> => {
    const options = { port: app.port, servername: 'a.test', ca: authority.cert, allowHalfOpen: true }
    const socket = connect(options)
    await once(socket, 'secureConnect')
    return socket.on('error', () => {})
  }
  return { app, dial, worker }
}

suite('a TLS connection that ends at the balancer', () => {
  test('is carried in the clear, and its bytes are counted as the worker sees them', async (t) => {
    const { app, dial } = await startTls(t)
    const client = await dial()
    client.write('hello')
    assert.equal(await next(client), 'hello')
    client.end('bye')
    assert.equal(String(await whole(client)), 'bye')
    await over(app)
    assert.deepEqual([app.pool.workers[0]?.sent, app.pool.workers[0]?.received], [8, 8])
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
  })

  test('carries 5 MB each way', async (t) => {
    const { app, dial } = await startTls(t)
    const client = await dial()
    client.end(Buffer.alloc(5 * MB, 'x'))
    assert.ok((await whole(client)).equals(Buffer.alloc(5 * MB, 'x')))
    await over(app)
    assert.deepEqual([app.pool.workers[0]?.sent, app.pool.workers[0]?.received], [5 * MB, 5 * MB])
  })

  test('is half-closed by the client, who still gets its whole answer', async (t) => {
    const { app, dial } = await startTls(t, async (socket) => {
      const asked = await whole(socket)
      setImmediate(() => socket.end(Buffer.alloc(asked.length)))
    })
    const client = await dial()
    client.end(Buffer.alloc(2 * MB))
    assert.equal((await whole(client)).length, 2 * MB)
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
  })

  test('is half-closed by the worker, that still gets all that is said', async (t) => {
    let got: Promise<Buffer> | undefined
    const { app, dial } = await startTls(t, (socket) => {
      got = whole(socket)
      socket.end('that is all')
    })
    const client = await dial()
    assert.equal(String(await whole(client)), 'that is all')
    client.end(Buffer.alloc(MB))
    await until('the worker has it', () => got !== undefined)
    assert.equal((await got)?.length, MB)
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
  })

  test('is cut where the worker breaks off, and the worker where the client does', async (t) => {
    const { app, dial, worker } = await startTls(t, (socket) => {
      socket.on('data', (data) => String(data) === 'break' && socket.resetAndDestroy())
      socket.on('end', () => socket.end())
    })
    const one = await dial()
    one.write('break')
    await ending(one)
    await over(app)
    const other = await dial()
    other.write('x')
    await until('the worker has it', () => worker.sockets[1]?.bytesRead === 1)
    other.destroy()
    await over(app)
    await until('the worker is left', () => worker.sockets[1]?.closed === true)
    assert.equal(outcomes(app.pool.workers)['failed'], 1)
  })

  test('is cut where it is idle', async (t) => {
    const { app, dial } = await startTls(t, undefined, { idleTimeout: 80 })
    await ending(await dial())
    await over(app)
    assert.deepEqual(outcomes(app.pool.workers), { idle: 1 })
  })

  test('is cut by a drain, and by the end of the balancer', async (t) => {
    const { app, dial } = await startTls(t)
    const [one, other] = [await dial(), await dial()]
    const fates = [ending(one), ending(other)]
    await until('both are there', () => app.pool.metrics.active === 2)
    assert.equal((await app.pool.drain(app.pool.workers[0]?.id ?? '', { timeout: 20 })).cut, 2)
    await Promise.all(fates)
    app.pool.undrain(app.pool.workers[0]?.id ?? '')
    const last = await dial()
    const fate = ending(last)
    await until('it is there', () => app.pool.metrics.active === 1)
    assert.deepEqual(await app.balance.close({ timeout: 20 }), { cut: 1 })
    await fate
    await over(app)
  })
})
