import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

/** How many files a process may have open that shall run out of them: some that it opens itself, and Node's own. */
const FILES = 64

/** How long a connection may take to stand before the queue counts as full, in ms; it takes the system no time. */
const PATIENCE = 300

/** Ports from here on are nobody's: below them are those of workers that come back, above them those of connections. */
const LOWEST = 30_000

/** A worker that gets to see nobody. */
export interface Unreachable {
  readonly port: number
  close(): Promise<void>
}

/**
 * A port at which nobody listens, and that nobody else gets meanwhile, since it is the near end of a connection. It is
 * below those that the system gives to connections: one to it could be given the same port, and be connected to itself.
 */
export async function refusing(): Promise<Unreachable> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const near = await connectFrom(LOWEST, (server.address() as AddressInfo).port)
  const [far] = await accepted
  for (const handle of [server, near, far]) handle.unref() // no process stays for a port
  return {
    port: near.localPort as number,
    async close() {
      near.destroy()
      far.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Connects from a port that is free: one of the 2,700 from `lowest` on. */
async function connectFrom(lowest: number, port: number): Promise<Socket> {
  for (;;) {
    const localPort = lowest + Math.floor(Math.random() * 2700)
    const socket = connect({ port, host: '127.0.0.1', localPort })
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

/** A listener that takes no connection, with a queue that is full. It blocks a thread of its own. */
export async function queueless(): Promise<Unreachable> {
  const thread = new Worker(new URL('blocked-thread.ts', import.meta.url))
  const [port] = (await once(thread, 'message')) as [number]
  const queue: Socket[] = []
  for (let isFull = false; !isFull;) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    queue.push(socket)
    await Promise.race([once(socket, 'connect'), pause(PATIENCE)])
    await turn() // lest an event loop that was held up takes a connection for one that does not stand
    isFull = socket.connecting
  }
  return {
    port,
    async close() {
      for (const socket of queue) socket.destroy()
      await thread.terminate()
    },
  }
}

/** A listener in a process that has opened all the files that it may. */
export async function withoutFiles(): Promise<Unreachable> {
  const script = fileURLToPath(new URL('fileless-process.ts', import.meta.url))
  const limited = [`ulimit -n ${FILES} && exec "$0" "$@"`, process.execPath, script]
  const child = spawn('sh', ['-c', ...limited], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [port] = (await once(child, 'message')) as [number]
  return {
    port,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'close')
    },
  }
}
