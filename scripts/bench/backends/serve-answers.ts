// The backends where nginx isn't installed or can't play the part: one Node process that listens on many addresses.
// Arguments: host:port…; prints `ready` when all of them listen.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { openAnswers } from './answers.ts'

await Promise.all(
  process.argv.slice(2).map((address) => {
    const [host, port] = address.split(':')
    return listening(serverAt(address), Number(port), host ?? '127.0.0.1')
  }),
)
console.log('ready')

function serverAt(address: string): Server {
  const { listener, upgrade } = openAnswers(address)
  const server = createServer({ keepAliveTimeout: 3_600_000, requestTimeout: 0 }, listener)
  server.on('upgrade', (req, socket, head) => upgrade?.(req, socket, head))
  return server
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  server.listen({ port, host, backlog: 4096 })
  await once(server, 'listening')
}
