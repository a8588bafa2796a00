import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

/** A worker to which no connection comes to stand: nobody takes those that wait, and the queue of them is full. */
export async function deafWorker(t: TestContext): Promise<string> {
  const child = fork(new URL('deaf-process.ts', import.meta.url))
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
