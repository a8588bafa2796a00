// A worker in a process of its own, that can be killed. Tells its port to who forked it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((_req, res) => res.end(String(process.pid)))
server.listen(Number(process.argv[2]), '127.0.0.1', () =>
  process.send?.((server.address() as AddressInfo).port),
)
process.on('disconnect', () => process.exit())
