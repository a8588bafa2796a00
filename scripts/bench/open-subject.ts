// Runs one subject in this process. Arguments: the URL of its file, its Place as JSON.
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import type { Opened, OpenedTcp, Place } from './subject.ts'

process.on('SIGUSR2', () => globalThis.gc?.()) // asked for before memory is measured

const [, , file = '', json = ''] = process.argv
const place = JSON.parse(json) as Place
const { open } = (await import(file)) as { open: (place: Place) => Promise<Opened | OpenedTcp> }
const opened = await open(place)
const server: TcpServer =
  'connection' in opened
    ? createTcpServer({ allowHalfOpen: true, noDelay: true }, opened.connection)
    : httpServer(opened)
server.listen({ port: place.port, host: '127.0.0.1', backlog: 4096 })

function httpServer({ listener, upgrade }: Opened): Server {
  const server = serverFor(place, listener)
  if (upgrade) {
    server.on('upgrade', (req, socket, head) => {
      socket.on('error', () => {}) // a client that breaks off must not end the process
      void upgrade(req, socket, head)
    })
  }
  return server
}

/** The same server options for all: those of Rondo's gateway. */
function serverFor({ tls }: Place, listener: RequestListener): Server {
  const options = {
    headersTimeout: 10_000,
    connectionsCheckingInterval: 1000,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
  }
  if (!tls) return createServer(options, listener)
  return createTlsServer({ ...options, cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, listener)
}
