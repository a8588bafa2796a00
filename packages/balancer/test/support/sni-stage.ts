import { createServer, type Server, type ServerOpts, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { bySni, type BySni, type BySniOptions, type SniHandler } from '../../src/tcp/by-sni.ts'
import type { ClientHello } from '../../src/tcp/client-hello.ts'
import { listen } from './listen.ts'

/** A server that routes by SNI, and what it did. */
export interface SniStage {
  readonly port: number
  readonly server: Server
  readonly sni: BySni
  /** Why connections were refused, in the order that it came. */
  readonly refused: string[]
  /** Those that came. */
  readonly sockets: Socket[]
}

export async function sniStage(
  t: TestContext,
  routes: Readonly<Record<string, SniHandler>>,
  options: BySniOptions & { readonly server?: ServerOpts } = {},
): Promise<SniStage> {
  const refused: string[] = []
  const sockets: Socket[] = []
  const { server: serverOptions = {}, ...rest } = options
  const sni = bySni(routes, { onRefused: (kind) => refused.push(kind), ...rest })
  const server = createServer(serverOptions, sni)
  server.on('connection', (socket) => sockets.push(socket))
  return { port: await listen(t, server), server, sni, refused, sockets }
}

/** Answers with its name and ends; what the client says is read to its end. */
export function named(name: string): SniHandler {
  return (socket: Socket) =>
    void socket
      .on('error', () => {})
      .resume()
      .end(name)
}

/** Where connections are taken, with their hellos and all that has come on them. */
export function taking(): {
  readonly hellos: ClientHello[]
  readonly bytes: Buffer[]
  readonly take: SniHandler
} {
  const hellos: ClientHello[] = []
  const bytes: Buffer[] = []
  function take(socket: Socket, hello: ClientHello): void {
    const place = hellos.push(hello) - 1
    bytes[place] = Buffer.alloc(0)
    socket
      .on('error', () => {})
      .on('data', (data) => {
        bytes[place] = Buffer.concat([bytes[place] as Buffer, data])
      })
  }
  return { hellos, bytes, take }
}
