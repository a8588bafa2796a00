import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { reset } from '../src/forwarders/dial.ts'
import { dice } from './support/dice.ts'
import { lastly } from './support/lastly.ts'
import { nothingLeft, resources } from './support/resources.ts'
import { dialTcp, outcomes, over, startTcp, tcpWorker, whole } from './support/tcp.ts'

/** What one side of a connection did, and what it saw. */
class Side {
  readonly socket: Socket
  written = 0
  got = 0
  hasEnded = false
  hasBroken = false
  gotEnd = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => void (this.got += data.length))
    socket.on('end', () => void (this.gotEnd = true))
  }

  /** Plays as the dice say, to an end of its own or until it is closed. */
  async play(roll: () => number): Promise<void> {
    const { socket } = this
    for (let step = 0; step < 12 && !socket.closed; step++) {
      const die = roll()
      if (die < 0.4) this.#write(Math.floor(roll() ** 4 * 400_000))
      else if (die < 0.55) for (let i = roll() * 10; i > 0; i--) await turn()
      else if (die < 0.65) await pause(roll() * 20)
      else if (die < 0.7) socket.pause()
      else if (die < 0.75) socket.resume()
      else if (die < 0.87) this.#end()
      else if (die < 0.92) this.#break(() => socket.destroy())
      else if (die < 0.97) this.#break(() => (socket.connecting ? socket.destroy() : reset(socket)))
      else break // falls silent
    }
    if (roll() < 0.8) {
      this.#end()
      socket.resume()
    }
  }

  #write(length: number): void {
    if (this.hasEnded || this.socket.destroyed) return
    this.written += length
    this.socket.write(Buffer.alloc(length))
  }

  #end(): void {
    this.hasEnded = true
    this.socket.end()
  }

  #break(how: () => unknown): void {
    if (this.socket.destroyed) return
    this.hasBroken = true
    how()
  }
}

/** Fails where one side has seen an end that the other never gave, or less than it said to its end. */
function assertHonest(id: number, near: Side, far: Side): void {
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    if (!one.gotEnd) continue
    assert.ok(other.hasEnded || other.hasBroken, `connection ${id}: an end out of nothing`)
    if (!other.hasBroken) assert.equal(one.got, other.written, `connection ${id}: what came to the end`)
  }
}

for (const seed of [1, 2, 3])
  test(`ends, resets, timeouts and drains in any order leave the counts exact, and nothing else (seed ${seed})`, async (t) => {
    const before = resources()
    const roll = dice(seed)
    const fars = new Map<number, Side>()
    const serve = (socket: Socket): void => {
      socket.once('readable', () => {
        const id = (socket.read(4) as Buffer | null)?.readUInt32BE()
        if (id === undefined) {
          socket.end().resume()
          return
        }
        const far = new Side(socket)
        fars.set(id, far)
        void far.play(dice(seed * 1e6 + id * 2 + 1))
      })
    }
    const workers = await Promise.all(Array.from({ length: 3 }, () => tcpWorker(t, serve)))
    const urls = workers.map(({ url }) => url)
    const app = await startTcp(t, urls, {
      idleTimeout: 80,
      halfCloseTimeout: 60,
      server: (balance) => createServer({ allowHalfOpen: seed % 2 === 0 }, balance),
    })
    const { pool } = app
    const all = new Set(pool.workers)
    pool.on('added', (worker) => all.add(worker))

    const nears = new Map<number, Side>()
    let next = 0
    const visit = async (): Promise<void> => {
      while (next < 300) {
        const id = next++
        const near = new Side(connect({ port: app.port, host: '127.0.0.1', allowHalfOpen: true }))
        nears.set(id, near)
        const name = Buffer.alloc(4)
        name.writeUInt32BE(id)
        near.socket.write(name)
        const closed = new Promise((resolve) => near.socket.once('close', resolve))
        await near.play(dice(seed * 1e6 + id * 2))
        await Promise.race([closed, pause(400)]) // who is left alone there leaves in the end
        if (!near.socket.destroyed) {
          near.hasBroken = true
          near.socket.destroy()
        }
      }
    }
    const visits = new AbortController()
    const operate = async (): Promise<void> => {
      while (!visits.signal.aborted) {
        await pause(roll() * 30)
        const ids = pool.workers.map(({ id }) => id)
        const id = ids[Math.floor(roll() * ids.length)] ?? ''
        const die = roll()
        const timeout = 1 + roll() * 30
        if (die < 0.15) void pool.drain(id, { timeout })
        else if (die < 0.2 && ids.length > 1) void pool.remove(id, { timeout })
        else if (die < 0.4) pool.update(urls)
        else pool.undrain(id)
      }
      pool.update(urls)
      for (const { id } of pool.workers) pool.undrain(id)
      await pool.poll()
    }
    const operator = operate()
    await Promise.all(Array.from({ length: 30 }, visit))
    visits.abort()
    await operator
    await over(app)

    for (const [id, near] of nears) {
      const far = fars.get(id)
      if (far) assertHonest(id, near, far)
    }
    const { metrics } = pool
    assert.equal(metrics.active, 0)
    let [attempts, received, sent] = [0, 0, 0]
    for (const worker of all) {
      assert.equal(worker.inFlight, 0)
      attempts += worker.requests
      received += worker.received
      sent += worker.sent
    }
    assert.equal(attempts, metrics.total - metrics.unattempted + metrics.retries)
    let [said, heard] = [0, 0]
    for (const far of workers.flatMap(({ sockets }) => sockets)) {
      said += far.bytesWritten
      heard += far.bytesRead
    }
    assert.ok(received <= said, `${received} of ${said} bytes were received`)
    assert.ok(sent >= heard, `${sent} bytes were sent, ${heard} heard`)
    t.diagnostic(`${metrics.total} connections: ${JSON.stringify(outcomes(all))}, ${metrics.failed} failed`)

    const client = await dialTcp(app.port) // and the balancer is as good as new
    client.end(Buffer.alloc(4, 0xff))
    await Promise.race([whole(client), once(client, 'close')]).catch(() => {})
    client.destroy()
    await over(app)
    await app.balance.close()
    for (const side of [...nears.values(), ...fars.values()]) side.socket.destroy()
    lastly(t, () => nothingLeft(before))
  })
