// Listens, and never takes a connection: the process is busy for good. Tells its port first.
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const server = createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.send?.((server.address() as AddressInfo).port, () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
})
