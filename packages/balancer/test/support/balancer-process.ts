// A balancer in a process of its own, over the worker whose URL is its argument. Tells its port, then its memory:
// `baseline` starts measuring, `peak` asks by how many bytes the resident set grew at most since then.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPool, loadBalance } from '../../src/index.ts'

const pool = createPool([process.argv[2] as string], {
  health: { schedule: '0 0 0 1 1 *', probe: async () => {} },
})
const balance = loadBalance(pool)
const server = createServer((req, res) => void balance(req, res))
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

let baseline = 0
let peak = 0
const look = (): void => void (peak = Math.max(peak, process.memoryUsage.rss()))
setInterval(look, 10)
process.on('message', (message) => {
  look()
  if (message === 'baseline') baseline = peak = process.memoryUsage.rss()
  process.send?.(peak - baseline)
})
process.on('disconnect', () => process.exit())
