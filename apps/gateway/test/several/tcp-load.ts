import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../reloading.ts'
import { take } from '../tcp-site.ts'
import { linkOf } from './links.ts'
import type { Load } from './load.ts'

/** Clients with TCP connections to an echo: so many messages each, then a clean end; then the next. They count as of the pool. */
export function talkTcp(load: Load, clients: number, port: number, pool: string, messages: number): void {
  load.run(clients, async (i) => {
    while (!load.isOver) await converse(load, port, pool, messages + i)
  })
}

async function converse(load: Load, port: number, pool: string, messages: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const link = linkOf(socket)
  const hasEnded = (): boolean => socket.readableEnded
  let said = 0
  try {
    await once(socket, 'connect')
    socket.on('error', () => {}) // `close` comes behind it
    load.note(load.sent, pool)
    for (; said < messages; said++) {
      await say(socket, `${link.port} says ${said};`)
      await pause(20)
    }
    if (hasEnded()) throw new Error('it was ended')
    socket.end().resume()
    await until('a connection is over', () => hasEnded() || socket.destroyed)
    if (!hasEnded()) throw new Error('it was cut')
    load.note(load.answered, pool)
  } catch (error) {
    load.fail(`TCP after ${said} echoes`, error, link)
  } finally {
    socket.destroy()
  }
}

async function say(socket: Socket, text: string): Promise<void> {
  if (socket.destroyed || socket.readableEnded) throw new Error('it was closed')
  const answer = take(socket, text.length)
  socket.write(text)
  const came = await answer
  if (came !== text) throw new Error(`"${came}" came for "${text}"`)
}
