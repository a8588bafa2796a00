import { createServer, type Server, type Socket } from 'node:net'
import { reset, type Trust } from '@rondo/balancer'
import { plain } from './access-log.ts'
import type { TcpListen } from './config/tcp-config.ts'
import { Door } from './door.ts'
import { connectionsOf, type Served } from './listeners.ts'

/** After how long the system asks a silent client whether it is still there, in ms: where idleness has no bound nobody else does. */
const KEEP_ALIVE = 60_000

/** So long handshakes that have begun may go on while it closes, in ms. */
const HANDSHAKES = 1000

const OWNER: unique symbol = Symbol('rondo.owner')

type Owned = Socket & { [OWNER]?: Set<Socket> }

/** A server for TCP: connections come through its door, and are carried on. */
export class TcpServer implements Served<TcpListen> {
  readonly server: Server
  readonly protocol = 'tcp'
  /** Takes connections over, once their headers are read and they are secured, where they are. */
  carry: (socket: Socket) => unknown = (socket) => socket.destroy() // until it is told where to
  readonly #door: Door
  readonly #sockets = new Set<Socket>()
  #most = Infinity

  constructor(trust: () => Trust | undefined) {
    this.#door = new Door({ trust, serve: (socket) => this.carry(socket), protocols: [] })
    const options = { allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }
    this.server = createServer(options, (socket) => this.#take(socket))
  }

  get refusals(): ReadonlyMap<string, number> {
    return this.#door.refusals
  }

  connections(): Promise<number> {
    return connectionsOf(this.server)
  }

  open(): void {
    this.#door.open()
  }

  limit(connections: number): void {
    this.#most = connections
  }

  prepare(listen: TcpListen): () => void {
    const change = this.#door.prepare(listen)
    return () => {
      change()
      this.#most = listen.maxConnections
    }
  }

  /** Counts a connection that is refused, and tells the log of it. */
  refuse(kind: string, { remoteAddress }: Socket, why: string): void {
    this.#door.refuse(kind, `client ${plain(remoteAddress)} was refused: ${why}`)
  }

  close(bound: number): Promise<boolean> {
    return new Promise((resolve) => {
      let whole = true
      const handshakes = setTimeout(() => this.#door.cut(), HANDSHAKES)
      const deadline = setTimeout(() => {
        whole = false
        for (const socket of this.#sockets) reset(socket)
      }, bound)
      this.server.close(() => {
        clearTimeout(handshakes)
        clearTimeout(deadline)
        resolve(whole)
      })
    })
  }

  #take(socket: Owned): void {
    if (this.#sockets.size >= this.#most) {
      this.refuse('full', socket, `${this.#most} connections are open`)
      return void socket.on('error', ignore).end(() => socket.destroy())
    }
    this.#sockets.add(socket)
    socket[OWNER] = this.#sockets
    socket.on('close', leave)
    this.#door.take(socket)
  }
}

// Shared by all sockets: closures for each would cost memory as long as the connection lives.

function leave(this: Owned): void {
  this[OWNER]?.delete(this)
}

/** Of a connection that breaks, its end is seen. */
function ignore(): void {}
