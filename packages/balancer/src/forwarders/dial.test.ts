import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { listen } from '../../test/support/listen.ts'
import { reset } from './dial.ts'

/** Both ends of a connection. */
async function pair(t: TestContext): Promise<[near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true })
  const port = await listen(t, server)
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [near] = await accepted
  return [near, far]
}

suite('a connection that is reset', () => {
  test('is broken off for its peer', async (t) => {
    const [near, far] = await pair(t)
    reset(near)
    const [[error]] = await Promise.all([once(far.resume(), 'error'), once(near, 'close')])
    assert.equal(error.code, 'ECONNRESET')
  })

  test('closes at once, whatever it had still to say', async (t) => {
    const [near, far] = await pair(t)
    far.on('error', () => {})
    while (near.write(Buffer.alloc(1_000_000)));
    near.end()
    reset(near)
    await once(near, 'close')
  })

  test('closes also while its own end is on the way', async (t) => {
    const [near, far] = await pair(t)
    near.end()
    reset(near)
    await Promise.all([once(near, 'close'), once(far.resume(), 'end')])
  })
})
