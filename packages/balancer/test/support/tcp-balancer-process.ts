// A TCP balancer in a process of its own, over the worker whose URL is its argument. Tells its port; to each message it
// answers with its resident set in bytes, swept before.
import { createServer, type AddressInfo } from 'node:net'
import { balanceTcp, createPool } from '../../src/index.ts'

const pool = createPool([process.argv[2] as string], {
  health: { schedule: '0 0 0 1 1 *', probe: async () => {} },
})
const server = createServer(balanceTcp(pool))
server.listen(0, '127.0.0.1', 4096, () => process.send?.((server.address() as AddressInfo).port))
process.on('message', () => {
  globalThis.gc?.()
  process.send?.(process.memoryUsage.rss())
})
process.on('disconnect', () => process.exit())
