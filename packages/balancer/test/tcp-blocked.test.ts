import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { suite, test } from 'node:test'
import { block } from './support/block.ts'
import { dialTcp, outcomes, over, startTcp, tcpWorker, whole } from './support/tcp.ts'
import { until } from './support/until.ts'

suite('an event loop that was blocked for longer than a timeout', () => {
  for (const [timeout, who] of [
    ['idleTimeout', 'client'],
    ['halfCloseTimeout', 'client'],
    ['halfCloseTimeout', 'worker'],
  ] as const)
    test(`cuts nobody by ${timeout} for whom there is what the ${who} said meanwhile`, async (t) => {
      let turns = 0
      const speak = (socket: Socket): void => {
        const isTimed = app.accepted[0]?.timeout === 50
        if (isTimed && ++turns < 5) socket.write('.')
        else if (isTimed) socket.end()
        if (isTimed) block(60) // the timers come next, and only then what was said
        if (!socket.writableEnded && !socket.destroyed) setImmediate(speak, socket)
      }
      const listen = (socket: Socket): void => {
        if (timeout === 'halfCloseTimeout') socket.end()
        else socket.on('end', () => socket.end())
      }
      const worker = await tcpWorker(t, who === 'worker' ? speak : listen)
      const app = await startTcp(t, [worker.url], { idleTimeout: 0, [timeout]: 50 })
      const client = await dialTcp(app.port)
      if (who === 'client') speak(client)
      await until('it stands', () => worker.sockets.length === 1)
      if (who === 'worker') listen(client)
      const heard = await whole(who === 'client' ? (worker.sockets[0] as Socket) : client)
      assert.equal(String(heard), '....')
      await over(app)
      assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
    })
})
