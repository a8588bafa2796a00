import type { Socket } from 'node:net'
import type { Client } from '../client.ts'

/** The client of a TCP connection: strategies know its address, and nothing that only HTTP says. */
export class TcpClient implements Client {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  get ip(): string | undefined {
    return this.#socket.remoteAddress
  }

  get isSecure(): boolean {
    return 'encrypted' in this.#socket
  }

  get path(): string {
    return '' // it has none: who goes by it goes by the address
  }

  header(): undefined {
    return undefined
  }

  cookie(): undefined {
    return undefined
  }

  query(): undefined {
    return undefined
  }
}
