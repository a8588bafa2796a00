// Listens, opens files until it may have no more, and tells its port.
import { openSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  try {
    for (;;) openSync('/dev/null', 'r')
  } catch {
    process.send?.((server.address() as AddressInfo).port)
  }
})
process.on('disconnect', () => process.exit())
