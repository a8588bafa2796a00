import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { connect as connectTls, createServer as createTls, type TLSSocket } from 'node:tls'

/** Headers of the PROXY protocol, for a client at 203.0.113.7:56324 that asks for 198.51.100.9:443. */
export const HEADERS = {
  v1: Buffer.from('PROXY TCP4 203.0.113.7 198.51.100.9 56324 443\r\n'),
  v2: Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007107c6336409dc0401bb', 'hex'),
} as const

/** A worker for TCP in this process. */
export interface TcpBackend {
  readonly url: string
  readonly port: number
  readonly id: string
  /** Connections that it ever had. */
  readonly sockets: readonly Socket[]
}

/** Says its name, and then sends back what comes; a half-open connection stays open. */
export async function startEcho(t: TestContext, name = '', tls?: object): Promise<TcpBackend> {
  const sockets: Socket[] = []
  const serve = (socket: Socket): void => {
    sockets.push(socket)
    socket.on('error', () => {})
    if (name !== '') socket.write(name)
    socket.pipe(socket)
  }
  const server: Server = tls ? createTls(tls, serve) : createServer({ allowHalfOpen: true }, serve)
  server.on('tlsClientError', () => {})
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `${tls ? 'tls' : 'tcp'}://127.0.0.1:${port}`, id: `127.0.0.1:${port}`, port, sockets }
}

/** A client's connection that stands; it leaves the other half open, and ignores errors. */
export async function dial(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket.on('error', () => {})
}

/** The same by TLS for a name, the handshake over; whose certificate comes is not looked at. */
export async function dialTls(t: TestContext, port: number, servername: string): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket.on('error', () => {})
}

/** So many bytes, as text, or what there is where the other side ends before. */
export function take(socket: Socket, count: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const done = (): void => {
      socket.off('data', hear).off('end', done).off('close', done)
      resolve(text)
    }
    const hear = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      if (text.length >= count) done()
    }
    socket.on('data', hear).on('end', done).on('close', done)
  })
}

/** Says something and resolves with as much as comes back. */
export async function say(socket: Socket, text: string): Promise<string> {
  const answer = take(socket, text.length)
  socket.write(text)
  return answer
}

/** All that comes, and how it ends: `end`, or the code of an error. */
export function fate(socket: Socket): Promise<{ readonly text: string; readonly how: string }> {
  return new Promise((resolve) => {
    let [text, how] = ['', 'closed']
    socket
      .on('data', (chunk: Buffer) => void (text += chunk.toString('latin1')))
      .on('error', (error: NodeJS.ErrnoException) => void (how = error.code ?? error.message))
      .on('end', () => {
        how = 'end'
        socket.end()
      })
      .on('close', () => resolve({ text, how }))
  })
}
