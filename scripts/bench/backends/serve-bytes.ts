// The backends of TCP: one Node process that listens on many addresses. Arguments: host:port…; prints `ready` when all listen.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { serveBytes } from './bytes.ts'

await Promise.all(
  process.argv.slice(2).map(async (address, i) => {
    const [host = '', port] = address.split(':')
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      serveBytes(String(i), socket),
    )
    server.listen({ port: Number(port), host, backlog: 4096 })
    await once(server, 'listening')
  }),
)
console.log('ready')
